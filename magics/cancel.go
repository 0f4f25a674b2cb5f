package magics

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod"
)

func cancelMagic() magic.Magic {
	return &command[noOptions]{
		name: "runpod_cancel", kind: magic.Line,
		args:    "model | RUN | job id",
		summary: "end a run on the endpoint: that of a model, the beginning of a run's id, or a job's id",
		define:  func(*pflag.FlagSet, *noOptions) {},
		run: func(ctx context.Context, c *magic.Call, _ *noOptions, args []string) error {
			if len(args) != 1 {
				return usage("which job? %%runpod_cancel wants a model's variable, the beginning of a run's id, or a job's id")
			}
			id, err := jobOf(ctx, c, args[0])
			if err != nil {
				return err
			}
			place, _, err := locate(c.Out.Stderr(), "")
			if _, r, missing := findRun(ctx, c, args[0]); missing == nil && r.Job == string(id) {
				place, _, err = locateRun(c.Out.Stderr(), r)
			}
			if err != nil {
				return err
			}
			job, err := place.Cancel(ctx, id)
			if err != nil {
				return err
			}
			give(c, map[string]any{"job_id": job.ID, "status": job.Status})
			fmt.Fprintf(c.Out.Stdout(), "job %s: %s\n", job.ID, job.Status)
			return nil
		},
	}
}

// jobOf returns the job of a model's variable or of a run; any other name is a job's id.
func jobOf(ctx context.Context, c *magic.Call, name string) (runpod.JobID, error) {
	if _, ok := c.Vars.Lookup(name); !ok && name != defaultModel {
		if id, ok := jobOfRun(ctx, c, name); ok {
			return id, nil
		}
		return runpod.JobID(name), nil
	}
	m, err := modelVar(c.Vars, name)
	if err != nil {
		return "", err
	}
	if m.JobID == "" {
		if id, ok := jobOfRun(ctx, c, m.RunID); ok { // it continues in the background
			return id, nil
		}
		return "", usage("%s has no job: it was loaded, or its training did not begin", name)
	}
	return m.JobID, nil
}
