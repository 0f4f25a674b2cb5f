package magics

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
)

type statusOptions struct{ warm string }

func statusMagic(w *warmth) magic.Magic {
	return &command[statusOptions]{
		name: "runpod_status", kind: magic.Line,
		args:    "[model | RUN | job id] [options]",
		summary: "show the state of a run: that of a model, the beginning of a run's id, or a job's id",
		about: `--warm 1h keeps a worker up, so that runs do not wait for its start. It is billed like any worker, its cost is
shown first, and counts against the budgets of %runpod_cost. It needs no setting of the endpoint: the session sends
the worker a job of a moment before its idle timeout is over. So if the session ends, also by a crash, the worker
stops by itself.`,
		define: func(fs *pflag.FlagSet, o *statusOptions) {
			fs.StringVar(&o.warm, "warm", "", "keep a worker up for this `time`, 1m to 12h, or until the session ends; off: let it go")
		},
		run: func(ctx context.Context, c *magic.Call, o *statusOptions, args []string) error {
			if o.warm == "" {
				w.tell(c)
				return runStatus(ctx, c, args)
			}
			if len(args) > 0 {
				return usage("--warm belongs to the endpoint and not to %s", args[0])
			}
			return w.set(ctx, c, o.warm)
		},
	}
}

func runStatus(ctx context.Context, c *magic.Call, args []string) error {
	name, err := onlyModel(args, defaultModel)
	if err != nil {
		return err
	}
	id, err := jobOf(ctx, c, name)
	if err != nil {
		return err
	}
	place, _, err := locate(c.Out.Stderr(), "")
	if err != nil {
		return err
	}
	if _, r, missing := findRun(ctx, c, name); missing == nil && r.Job == string(id) {
		place.Expect(id, r.Created)
	}
	job, err := place.Status(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.Out.Stdout(), jobInWords(ctx, place, job))
	return nil
}

func jobInWords(ctx context.Context, place train.Place, j *runpod.Job) string {
	s := fmt.Sprintf("job %s: %s", j.ID, j.Status)
	if j.Status == runpod.StatusInQueue {
		if why, err := place.Waiting(ctx, j.Delay); err == nil {
			s += ", " + why
		}
	}
	if j.Delay > 0 {
		s += ", waited " + render.Duration(j.Delay)
	}
	if j.Execution > 0 {
		s += ", ran " + render.Duration(j.Execution)
	}
	if err := j.Err(); err != nil {
		s += "\n" + err.Error()
	}
	return s
}
