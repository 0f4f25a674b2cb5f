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
)

type predictOptions struct {
	dataOptions
	queueOptions
	model, out    string
	labels, proba bool
	timeout       time.Duration
}

func predictMagic() magic.Magic {
	return &command[predictOptions]{
		name: "runpod_predict", kind: magic.Line,
		args:    "[model] -d X [options]",
		summary: "compute the output of a trained model for each row of X",
		about: `%runpod_predict -d Xtest -o P            scores, a *mat.Dense with a row for each of X
%runpod_predict -d Xtest --labels -o y   class numbers, a []int, or their names, a []string;
                                         for bce_with_logits with several outputs, 0 or 1 for each, a [][]int
%runpod_predict -d new.csv --proba       the columns that the model was trained on`,
		define: func(fs *pflag.FlagSet, o *predictOptions) {
			fs.StringVarP(&o.data, "data", "d", "", "samples: a `variable`, a file (CSV, .npy, .npz, .parquet) or a struct of slices")
			o.defineColumns(fs)
			o.queueOptions.define(fs)
			fs.StringVarP(&o.model, "model", "m", defaultModel, "`variable` with the model")
			fs.StringVarP(&o.out, "output", "o", "predictions", "`variable` for the result")
			fs.DurationVar(&o.timeout, "timeout", 0, timeoutHelp)
			fs.BoolVar(&o.labels, "labels", false, "class numbers, or labels of 0 and 1, instead of scores")
			fs.BoolVar(&o.proba, "proba", false, "probabilities instead of scores")
		},
		run: runPredict,
	}
}

func runPredict(ctx context.Context, c *magic.Call, o *predictOptions, args []string) error {
	name, err := onlyModel(args, o.model)
	if err != nil {
		return err
	}
	model, err := modelVar(c.Vars, name)
	if err != nil {
		return err
	}
	switch {
	case o.data == "":
		return usage("-d X is missing: the variable with the samples")
	case o.labels && o.proba:
		return usage("--labels and --proba exclude each other")
	}
	if err := resultName("-o", o.out); err != nil {
		return err
	}
	data, err := o.samples(ctx, c, o.data, model)
	if err != nil {
		return err
	}
	limit, err := limitGiven(o.timeout)
	if err != nil {
		return err
	}
	ctx = train.WithLog(o.queued(ctx, c), func(line string) { fmt.Fprintln(c.Out.Stdout(), line) })
	result, text, err := o.predict(ctx, model.WithPolicy(limit.policy()), data.X)
	if err != nil {
		return limit.overtime(err, "")
	}
	if err := c.Vars.Define(o.out, result); err != nil {
		return err
	}
	fmt.Fprintf(c.Out.Stdout(), "%s: %s\n", o.out, text)
	return nil
}

// predict returns the result in the form that was asked for, and a description of
// it.
func (o *predictOptions) predict(ctx context.Context, model *train.Model, X any) (any, string, error) {
	if o.labels && model.MultiLabel() {
		all, err := model.IndicatorsContext(ctx, X)
		if err != nil {
			return nil, "", err
		}
		return all, fmt.Sprintf("%s rows of %d labels, 0 or 1, [][]int", render.Count(len(all)), len(all[0])), nil
	}
	if o.labels {
		classes, err := model.ClassesContext(ctx, X)
		if err == nil && model.ClassNames != nil {
			names := make([]string, len(classes))
			for i, k := range classes {
				names[i] = model.ClassName(k)
			}
			return names, fmt.Sprintf("%s classes, []string", render.Count(len(names))), nil
		}
		return classes, fmt.Sprintf("%s classes, []int", render.Count(len(classes))), err
	}
	if loss := model.Hyperparameters.LossFunction; o.proba && !train.HasProbabilities(loss) {
		return nil, "", usage("--proba: the model was trained with %s, whose outputs are numbers and no probabilities", loss)
	}
	scores, err := model.PredictContext(ctx, X)
	if err != nil {
		return nil, "", err
	}
	what := "outputs"
	if o.proba {
		train.Probabilities(scores, model.Hyperparameters.LossFunction)
		what = "probabilities"
	}
	rows, cols := mat.Matrix(scores).Dims()
	return scores, fmt.Sprintf("%s rows of %s, *mat.Dense", render.Count(rows), fmt.Sprintf("%d %s", cols, what)), nil
}
