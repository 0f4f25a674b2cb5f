package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
)

// logs prints the logs of all workers at the same time. If there are several workers, each
// line begins with the worker's id.
func (o EndpointOptions) logs(ctx context.Context, e *runpod.EndpointInfo, out io.Writer) error {
	m := o.client.Management()
	ids := []runpod.WorkerID{runpod.WorkerID(o.Worker)}
	if o.Worker == "" {
		list, err := m.Workers(ctx, e.ID)
		if err != nil {
			return err
		}
		ids = nil
		for _, w := range list.Workers {
			ids = append(ids, w.ID)
		}
	}
	if len(ids) == 0 {
		fmt.Fprintln(out, "no worker is up; logs are kept some two minutes after a worker's end, by its id (--worker)")
		return nil
	}
	q := runpod.LogQuery{Source: o.Source, Tail: o.Tail, Follow: o.Follow}
	var mu sync.Mutex
	var all sync.WaitGroup
	errs := make([]error, len(ids))
	for i, id := range ids {
		all.Go(func() {
			for l, err := range m.WorkerLogs(ctx, e.ID, id, q) {
				if err != nil {
					errs[i] = err
					return
				}
				mu.Lock()
				printLine(out, l, id, len(ids) > 1)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil { // following a log ends with an interrupt, which is not an error
		return nil
	}
	return errors.Join(errs...)
}

func printLine(out io.Writer, l runpod.LogLine, id runpod.WorkerID, several bool) {
	worker := ""
	if several {
		worker = oneLine(string(id)) + " "
	}
	fmt.Fprintf(out, "%s %s%-9s %s\n", l.Time.UTC().Format(time.TimeOnly), worker, oneLine(l.Source), oneLine(l.Text))
}
