package magics

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
)

type compareOptions struct{ dataOptions }

func compareMagic() magic.Magic {
	return &command[compareOptions]{
		name: "runpod_compare", kind: magic.Line,
		args:    "model model ... [options]",
		summary: "show trained models side by side, with their curves over each other",
		about: `%runpod_compare small large -d Xtest,ytest

The best one has the smallest validation loss. Models whose losses measure different things, because the
loss function, its weights or its smoothing differ, are ranked by a metric, which the output names: that
of -d, else the best accuracy of the trainings.`,
		define: func(fs *pflag.FlagSet, o *compareOptions) {
			o.dataOptions.define(fs)
		},
		run: runCompare,
	}
}

func runCompare(ctx context.Context, c *magic.Call, o *compareOptions, args []string) error {
	if len(args) == 0 {
		return usage("which models? %%runpod_compare small large")
	}
	var runs []render.Run
	var models []*train.Model
	tests := make([]*train.Evaluation, len(args))
	for i, name := range args {
		m, err := modelVar(c.Vars, name)
		if err != nil {
			return err
		}
		r := render.Run{Name: name, Parameters: m.Parameters, Training: render.Training{History: m.History.Records, Loss: m.Hyperparameters.LossFunction}}
		if o.data != "" { // read for each model: they may want its columns in different orders
			data, err := o.read(ctx, c, "-d", o.data, m)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if tests[i], err = m.EvaluateContext(ctx, data); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			r.Test = tests[i].String()
		}
		runs, models = append(runs, r), append(models, m)
	}
	result, by := train.Compare(models, tests), ""
	if result.Differ != nil {
		by = result.String()
		if result.Untested {
			by += "; -d X,y measures them on the same data"
		}
	}
	for _, b := range []display.Message{render.CompareTable(runs, result.Best, by), render.ComparePicture(runs)} {
		c.Out.Display(b)
	}
	return nil
}
