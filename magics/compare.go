package magics

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
)

type compareOptions struct{ dataOptions }

func compareMagic() magic.Magic {
	return &command[compareOptions]{
		name: "runpod_compare", kind: magic.Line,
		args:    "model model ... [options]",
		summary: "show trained models side by side, with their curves over each other",
		about:   "%runpod_compare small large -d Xtest,ytest",
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
	for _, name := range args {
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
			result, err := m.EvaluateContext(ctx, data)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			r.Test = result.String()
		}
		runs = append(runs, r)
	}
	for _, b := range []display.Message{render.CompareTable(runs), render.ComparePicture(runs)} {
		c.Out.Display(b)
	}
	return nil
}
