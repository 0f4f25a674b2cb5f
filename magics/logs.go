package magics

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"github.com/gopherpod/gopherpod/worker"
)

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
					fmt.Fprintln(c.Out.Stdout(), printable.Text(event.Message))
				case worker.EventCheckpoint:
					fmt.Fprintln(c.Out.Stdout(), "checkpoint: "+printable.Text(event.Message))
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
