package magics

import (
	"context"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
)

func healthMagic() magic.Magic {
	return &command[noOptions]{
		name: "runpod_health", kind: magic.Line,
		summary: "show which endpoint is used, its jobs and its workers",
		define:  func(*pflag.FlagSet, *noOptions) {},
		run: func(ctx context.Context, c *magic.Call, _ *noOptions, args []string) error {
			if len(args) > 0 {
				return usage("%q: runpod_health takes no argument", args[0])
			}
			place, where, err := locate(c.Out.Stderr(), "")
			if err != nil {
				return err
			}
			h, err := place.Health(ctx)
			if err != nil {
				return err
			}
			b := healthTable(where, h).Bundle()
			c.Out.Display(b)
			return nil
		},
	}
}

func healthTable(where string, h *runpod.Health) render.Table {
	t := render.Table{Caption: where, Header: []string{"", "number"}, Left: []string{""}}
	add := func(name string, n int) { t.Rows = append(t.Rows, []string{name, strconv.Itoa(n)}) }
	add("jobs in the queue", h.Jobs.InQueue)
	add("jobs in progress", h.Jobs.InProgress)
	add("jobs completed", h.Jobs.Completed)
	add("jobs failed", h.Jobs.Failed)
	add("workers idle", h.Workers.Idle)
	add("workers running", h.Workers.Running)
	if h.Workers.Throttled > 0 {
		add("workers throttled", h.Workers.Throttled)
	}
	if h.Workers.Initializing > 0 {
		add("workers starting", h.Workers.Initializing)
	}
	if h.Workers.Unhealthy > 0 {
		add("workers unhealthy", h.Workers.Unhealthy)
	}
	return t
}
