package magics

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/contract"
)

type evalOptions struct {
	dataOptions
	queueOptions
	model, out string
	timeout    time.Duration
}

func evalMagic() magic.Magic {
	return &command[evalOptions]{
		name: "runpod_eval", kind: magic.Line,
		args:    "[model] -d X,y [options]",
		summary: "measure a trained model on data: accuracy or error, per class, with the confusion matrix",
		about: `%runpod_eval model -d Xtest,ytest -o result

For two classes it also shows the ROC curve, for a single number the residuals.
The result is a *train.Evaluation: result.Accuracy, result.Loss, result.Confusion.`,
		define: func(fs *pflag.FlagSet, o *evalOptions) {
			o.dataOptions.define(fs)
			o.queueOptions.define(fs)
			fs.StringVarP(&o.model, "model", "m", defaultModel, "`variable` with the model")
			fs.StringVarP(&o.out, "output", "o", "", "`variable` for the result")
			fs.DurationVar(&o.timeout, "timeout", 0, timeoutHelp)
		},
		run: runEval,
	}
}

func runEval(ctx context.Context, c *magic.Call, o *evalOptions, args []string) error {
	name, err := onlyModel(args, o.model)
	if err != nil {
		return err
	}
	model, err := modelVar(c.Vars, name)
	if err != nil {
		return err
	}
	if o.data == "" {
		return usage("-d X,y is missing: the variables with samples and labels, or a file and --target")
	}
	if o.out != "" {
		if err := resultName("-o", o.out); err != nil {
			return err
		}
	}
	data, err := o.read(ctx, c, "-d", o.data, model)
	if err != nil {
		return err
	}
	told := train.WithLog(o.queued(ctx, c), func(line string) { fmt.Fprintln(c.Out.Stdout(), line) })
	data = train.PrepareData(data)
	limit, err := limitGiven(o.timeout)
	if err != nil {
		return err
	}
	job := train.Batch{Policy: limit.policy()} // one job: the metrics, and for some models the outputs that the picture needs
	evaluation := job.Evaluate(model, data)
	var outputs *train.Result[*mat.Dense]
	if picturesOutputs(model) {
		outputs = job.Predict(model, data.X)
	}
	if err := job.Run(told); err != nil {
		return limit.overtime(err, "")
	}
	result, err := evaluation.Get()
	if err != nil {
		return err
	}
	show := render.Evaluation{
		Metrics: result.Metrics, ClassNames: result.ClassNames, Loss: model.Hyperparameters.LossFunction,
		Title: fmt.Sprintf("%s on %s,%s", name, data.XName, data.YName),
	}
	table := show.Table()
	c.Out.Display(table)
	if picture, ok := show.Picture(); ok {
		c.Out.Display(picture)
	}
	if outputs != nil {
		scores, err := outputs.Get()
		if err != nil {
			return err
		}
		if err := showFit(c, model, data, scores); err != nil {
			return err
		}
	}
	if o.out == "" {
		return nil
	}
	return c.Vars.Define(o.out, result)
}

// picturesOutputs reports whether there is a picture of the model's outputs: the ROC curve
// of two classes, or the residuals of a single number.
func picturesOutputs(model *train.Model) bool {
	return isBinary(model) || outputsOf(model) == 1 && contract.TaskOf(model.Hyperparameters.LossFunction) == contract.TaskNumbers
}

// isBinary reports whether the model tells two classes apart.
func isBinary(model *train.Model) bool {
	task, n := contract.TaskOf(model.Hyperparameters.LossFunction), outputsOf(model)
	return task == contract.TaskClasses && n == 2 || task == contract.TaskLabels && n == 1
}

// outputsOf returns how many numbers a row of the output has, or 0 if each row is a
// matrix.
func outputsOf(model *train.Model) int {
	if len(model.Output) != 1 {
		return 0
	}
	return model.Output[0]
}

// showFit shows the picture of the model's outputs.
func showFit(c *magic.Call, model *train.Model, data train.Data, scores *mat.Dense) error {
	truth, err := model.LabelTensor(data)
	if err != nil {
		return err
	}
	labels, err := truth.Float64s()
	if err != nil {
		return err
	}
	first := mat.Col(nil, 0, scores)
	if !isBinary(model) {
		b := render.Residuals(labels, first)
		c.Out.Display(b)
		return nil
	}
	if outputsOf(model) == 2 { // the difference sorts samples as the probability does
		for i, v := range mat.Col(nil, 1, scores) {
			first[i] = v - first[i]
		}
	}
	positive := make([]bool, len(labels))
	for i, v := range labels {
		positive[i] = v > 0.5
	}
	if b, ok := render.ROC(first, positive); ok {
		c.Out.Display(b)
	}
	return nil
}

// onlyModel returns the model's name, which may be given as the only argument.
func onlyModel(args []string, name string) (string, error) {
	switch len(args) {
	case 0:
		return name, nil
	case 1:
		return args[0], nil
	}
	return "", usage("unexpected argument %q: only the model's name may be given without an option", args[1])
}
