package magics

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

type evalOptions struct {
	dataOptions
	model, out string
}

func evalMagic() magic.Magic {
	return &command[evalOptions]{
		name: "runpod_eval", kind: magic.Line,
		args:    "[model] -d X,y [options]",
		summary: "measure a trained model on data: accuracy or error, per class, with the confusion matrix",
		about: `%runpod_eval model -d Xtest,ytest -o result

Two classes get a ROC curve too, a single number its residuals.
The result is a *train.Evaluation: result.Accuracy, result.Loss, result.Confusion.`,
		define: func(fs *pflag.FlagSet, o *evalOptions) {
			o.dataOptions.define(fs)
			fs.StringVarP(&o.model, "model", "m", defaultModel, "`variable` with the model")
			fs.StringVarP(&o.out, "output", "o", "", "`variable` for the result")
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
	told := train.WithLog(ctx, func(line string) { fmt.Fprintln(c.Out.Stdout(), line) })
	result, err := model.EvaluateContext(told, data)
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
	if err := showFit(ctx, c, model, data); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return c.Vars.Define(o.out, result)
}

// showFit shows what wants the outputs themselves: the ROC curve of two classes,
// and the residuals of a single number.
func showFit(ctx context.Context, c *magic.Call, model *train.Model, data train.Data) error {
	loss := model.Hyperparameters.LossFunction
	outputs := 0
	if len(model.Output) == 1 {
		outputs = model.Output[0]
	}
	binary := loss == "cross_entropy" && outputs == 2 || loss == "bce_with_logits" && outputs == 1
	if !binary && (outputs != 1 || worker.ClassLabels(loss) || loss == "kl_div" || loss == "cosine") {
		return nil
	}
	truth, err := model.LabelTensor(data)
	if err != nil {
		return err
	}
	labels, err := truth.Float64s()
	if err != nil {
		return err
	}
	scores, err := model.PredictContext(ctx, data.X)
	if err != nil {
		return err
	}
	first := mat.Col(nil, 0, scores)
	if !binary {
		b := render.Residuals(labels, first)
		c.Out.Display(b)
		return nil
	}
	if outputs == 2 { // the difference orders as the probability does
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

// onlyModel takes the name of the model as the one argument.
func onlyModel(args []string, name string) (string, error) {
	switch len(args) {
	case 0:
		return name, nil
	case 1:
		return args[0], nil
	}
	return "", usage("%q is one too many: only the model's name stands without an option", args[1])
}
