package magics

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod"
)

// queueOptions are the options of magics whose jobs may have to wait for a worker.
type queueOptions struct{ queueTimeout time.Duration }

func (o *queueOptions) define(fs *pflag.FlagSet) {
	fs.DurationVar(&o.queueTimeout, "queue-timeout", 0, "`time` that a job may wait for a worker, as in 10m; after that it is cancelled and not billed (default 24h)")
}

// queued returns a context whose jobs may wait that long for a worker. While they wait,
// the reason is printed on stderr.
func (o *queueOptions) queued(ctx context.Context, c *magic.Call) context.Context {
	return runpod.WithQueue(ctx, &runpod.Queue{Limit: o.queueTimeout, Tell: waitLines(c)})
}

// waitLines returns a function that prints why jobs wait, a line when that changes.
func waitLines(c *magic.Call) func(runpod.Wait) {
	return runpod.WaitLines(func(line string) { fmt.Fprintln(c.Out.Stderr(), line) })
}
