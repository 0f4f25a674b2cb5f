package magics

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
)

type compareOptions struct {
	dataOptions
	timeout time.Duration
	queueOptions
}

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
			fs.DurationVar(&o.timeout, "timeout", 0, timeoutHelp)
			o.queueOptions.define(fs)
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
	for _, name := range args {
		m, err := modelVar(c.Vars, name)
		if err != nil {
			return err
		}
		r := render.Run{Name: name, Parameters: m.Parameters, Training: render.Training{History: m.History.Records, Loss: m.Hyperparameters.LossFunction}}
		runs, models = append(runs, r), append(models, m)
	}
	if o.data != "" {
		var err error
		if tests, err = o.measure(ctx, c, args, models); err != nil {
			return err
		}
		for i, t := range tests {
			runs[i].Test = t.String()
		}
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

// measure evaluates the models on the data of -d, in one job.
func (o *compareOptions) measure(ctx context.Context, c *magic.Call, names []string, models []*train.Model) ([]*train.Evaluation, error) {
	limit, err := limitGiven(o.timeout)
	if err != nil {
		return nil, err
	}
	job := train.Batch{Policy: limit.policy()}
	results := make([]*train.Result[*train.Evaluation], len(models))
	prepared := map[string]train.Data{} // by columns: models may want them in different orders
	for i, m := range models {
		data, err := o.read(ctx, c, "-d", o.data, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
		order := fmt.Sprintf("%q", data.Columns)
		if d, ok := prepared[order]; ok {
			data = d
		} else {
			data = train.PrepareData(data)
			prepared[order] = data
		}
		results[i] = job.Evaluate(m, data)
	}
	told := train.WithLog(o.queued(ctx, c), func(line string) { fmt.Fprintln(c.Out.Stdout(), line) })
	if err := job.Run(told); err != nil {
		return nil, limit.overtime(err, "")
	}
	tests := make([]*train.Evaluation, len(models))
	for i, r := range results {
		var err error
		if tests[i], err = r.Get(); err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
	}
	return tests, nil
}
