package magics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/train"
)

type attachOptions struct {
	out   string
	gpu   string
	quiet bool
}

func attachMagic() magic.Magic {
	return &command[attachOptions]{
		name: "runpod_attach", kind: magic.Line,
		args:    "RUN [options]",
		summary: "show a run from its beginning and follow it to its end",
		about: `RUN is a model's variable, the beginning of a run's id, or last. Works for runs of other notebooks and of
a kernel that has ended. Stopping the cell does not stop the run; %runpod_cancel does.
If the run is over, the variable gets the model for as long as the endpoint keeps it: RunPod keeps a result for
30 minutes, and the worker for a week if the endpoint has a network volume.`,
		define: func(fs *pflag.FlagSet, o *attachOptions) {
			fs.StringVarP(&o.out, "output", "o", defaultModel, "`variable` for the trained model")
			fs.StringVar(&o.gpu, "gpu", "", "`kind` of the endpoint's GPU, for the price")
			fs.BoolVarP(&o.quiet, "quiet", "q", false, "show the result only")
		},
		run: runAttach,
	}
}

func runAttach(ctx context.Context, c *magic.Call, o *attachOptions, args []string) error {
	if len(args) != 1 {
		return usage("which run? %%runpod_attach wants a model's variable, the beginning of a run's id, or last")
	}
	if err := resultName("-o", o.out); err != nil {
		return err
	}
	store, r, err := findRun(ctx, c, args[0])
	if err != nil {
		return err
	}
	var record train.Record
	if err := json.Unmarshal(r.Record, &record); err != nil {
		return fmt.Errorf("run %s: cannot read its record: %w", r.ID, err)
	}
	place, where, err := locateRun(c.Out.Stderr(), r)
	if err != nil {
		return err
	}
	rate, err := train.FindRate(ctx, place, o.gpu)
	if err != nil {
		return err
	}
	if !o.quiet {
		fmt.Fprintf(c.Out.Stdout(), "%s: run %s, %s, begun %s\n", where, r.ID, r.State, r.Created.Local().Format("2006-01-02 15:04:05"))
	}
	shown := shownRun{
		subject: subject{id: fmt.Sprintf("runpod-%s-%d", r.ID, c.Count), epochs: r.Planned, planned: record.Hyperparameters.Epochs, loss: record.Hyperparameters.LossFunction},
		title:   title(record.Model, record.Parameters, record.Hyperparameters),
		rate:    rate, quiet: o.quiet, variable: o.out,
	}
	model, err, undefined := shown.show(ctx, c, func(ctx context.Context, view train.Observer) (*train.Model, error) {
		return train.Attach(ctx, r, train.Options{Endpoint: place.Endpoint, Runs: store, Rate: rate, Observers: []train.Observer{view}})
	})
	if errors.Is(err, train.ErrDetached) {
		fmt.Fprintf(c.Out.Stdout(), "run %s goes on; %%runpod_attach %s follows it again, %%runpod_cancel %s ends it\n", r.ID, r.ID[:8], r.ID[:8])
		return context.Cause(ctx)
	}
	if model == nil {
		return err
	}
	if b := model.Receipt.Bill; b != nil && !o.quiet {
		fmt.Fprintln(c.Out.Stdout(), billInWords(model, rate))
	}
	var cut *train.InterruptedError
	if errors.As(err, &cut) {
		fmt.Fprintln(c.Out.Stdout(), cut)
		err = nil
	}
	err = errors.Join(err, undefined)
	if errors.Is(err, train.ErrGone) && model.History.Len() > 0 {
		fmt.Fprintf(c.Out.Stderr(), "%s has the epochs and no weights: the endpoint has forgotten the run; %%runpod_repro %s trains it again\n", o.out, r.ID[:8])
		return nil
	}
	return err
}
