package magics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
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
a kernel that has ended. Stopping the cell leaves the run alone; %runpod_cancel ends it.
Of a run that is over the variable gets the model, while the endpoint has it: RunPod keeps a result for
30 minutes, the worker keeps it for a week where the endpoint has a network volume.`,
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
		return fmt.Errorf("run %s: its record cannot be read: %w", r.ID, err)
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
		place:   place, rate: rate, quiet: o.quiet, variable: o.out,
	}
	model, err, undefined := shown.show(ctx, c, func(event func(train.Event)) (*train.Model, error) {
		return train.Attach(ctx, r, train.Options{Endpoint: place.Endpoint, Runs: store, Rate: rate, OnEvent: event})
	})
	if errors.Is(err, train.ErrDetached) {
		fmt.Fprintf(c.Out.Stdout(), "run %s goes on; %%runpod_attach %s follows it again, %%runpod_cancel %s ends it\n", r.ID, r.ID[:8], r.ID[:8])
		return context.Cause(ctx)
	}
	if model == nil {
		return err
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

// background is the output area of a run that goes on when its cell is over: what it
// says in lines is shown, for the streams belong to other cells by then.
type background struct {
	magic.Output
	mu   sync.Mutex
	text strings.Builder
}

// Stdout and Stderr keep the lines.
func (b *background) Stdout() io.Writer { return b }
func (b *background) Stderr() io.Writer { return b }

func (b *background) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// show shows the lines.
func (b *background) show() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := strings.TrimSpace(b.text.String()); s != "" {
		b.Display(display.Message{Data: display.MIMEMap{render.MIMEText: s}})
	}
	b.text.Reset()
}

// logsMagic shows what workers said in a run.
func logsMagic() magic.Magic {
	return &command[noOptions]{
		name: "runpod_logs", kind: magic.Line,
		args:    "RUN",
		summary: "show what the worker said in a run, line by line, and how it ended",
		run: func(ctx context.Context, c *magic.Call, _ *noOptions, args []string) error {
			if len(args) != 1 {
				return usage("which run? %%runpod_logs wants a model's variable, the beginning of a run's id, or last")
			}
			store, r, err := findRun(ctx, c, args[0])
			if err != nil {
				return err
			}
			events, err := store.Events(ctx, r.ID)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.Out.Stdout(), runInWords(r))
			for _, e := range events {
				var event worker.Event
				if json.Unmarshal(e.Data, &event) != nil {
					continue
				}
				switch event.Type {
				case worker.EventLog:
					fmt.Fprintln(c.Out.Stdout(), event.Message)
				case worker.EventCheckpoint:
					fmt.Fprintln(c.Out.Stdout(), "checkpoint: "+event.Message)
				case worker.EventEpoch:
					fmt.Fprintln(c.Out.Stdout(), render.EpochLine(*event.Epoch))
				}
			}
			fmt.Fprintln(c.Out.Stdout(), ended(r))
			return nil
		},
	}
}

func ended(r runs.Run) string {
	switch {
	case r.State == runs.Open:
		return fmt.Sprintf("open; %%runpod_attach %s follows it", r.ID[:8])
	case r.Error != "":
		return fmt.Sprintf("%s: %s", r.State, r.Error)
	}
	return string(r.State)
}

// A notice tells once, in the first training cell of a session, which runs are open.
type notice struct{ once sync.Once }

func (n *notice) tell(ctx context.Context, c *magic.Call) {
	n.once.Do(func() {
		store := runs.FromEnv()
		if store == nil {
			return
		}
		open, err := train.Lost(ctx, store)
		if err != nil || len(open) == 0 {
			return // a broken store is told with the run
		}
		var ids []string
		for _, r := range open[:min(len(open), 3)] {
			ids = append(ids, fmt.Sprintf("%s (since %s)", r.ID[:8], r.Created.Local().Format("2 Jan 15:04")))
		}
		if len(open) > 3 {
			ids = append(ids, fmt.Sprintf("%d more", len(open)-3))
		}
		fmt.Fprintf(c.Out.Stderr(), "still open from before: run %s; %%runpod_attach RUN follows one, %%runpod_runs --state open lists them\n", strings.Join(ids, ", "))
	})
}

// jobOfRun is the job of a run that the store knows.
func jobOfRun(ctx context.Context, c *magic.Call, name string) (runpod.JobID, bool) {
	if len(name) < 4 || runs.FromEnv() == nil {
		return "", false
	}
	_, r, err := findRun(ctx, c, name)
	if err != nil || r.Job == "" {
		return "", false
	}
	return runpod.JobID(r.Job), true
}
