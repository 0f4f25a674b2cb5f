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

func statusMagic() magic.Magic {
	return &command[noOptions]{
		name: "runpod_status", kind: magic.Line,
		args:    "[model | RUN | job id]",
		summary: "show the state of a run: that of a model, the beginning of a run's id, or a job's id",
		define:  func(*pflag.FlagSet, *noOptions) {},
		run:     runStatus,
	}
}

func runStatus(ctx context.Context, c *magic.Call, _ *noOptions, args []string) error {
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
