package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
)

// runs remembers the events of finished trainings, so that a job that comes twice
// is answered and not trained again.
type runs struct {
	mu    sync.Mutex
	byKey map[string]*oneRun
	order []string // of byKey, oldest first
	size  int
}

// Limits on what is remembered.
const (
	maxRuns      = 32
	maxRunsBytes = 256 << 20
)

// A oneRun is under way until done is closed. Its chunks are not read before.
type oneRun struct {
	done   chan struct{}
	chunks []json.RawMessage
	ok     bool // it finished
}

// runKey is a run_id together with the request: the same run_id on another
// request is another run.
func runKey(id string, input []byte) string {
	sum := sha256.Sum256(input)
	return id + "\x00" + string(sum[:])
}

// begin returns the finished run to repeat, or a new one to fill. It waits for
// one that is under way.
func (r *runs) begin(ctx context.Context, key string) (run *oneRun, repeat bool, err error) {
	for {
		r.mu.Lock()
		old := r.byKey[key]
		if old == nil {
			run := &oneRun{done: make(chan struct{})}
			if r.byKey == nil {
				r.byKey = map[string]*oneRun{}
			}
			r.byKey[key] = run
			r.mu.Unlock()
			return run, false, nil
		}
		r.mu.Unlock()
		select {
		case <-old.done:
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
		if old.ok {
			return old, true, nil
		}
	}
}

// end keeps a run that finished and forgets one that did not.
func (r *runs) end(key string, run *oneRun, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run.ok = ok
	if !ok {
		delete(r.byKey, key)
	} else {
		r.order = append(r.order, key)
		r.size += run.bytes()
	}
	for len(r.order) > maxRuns || (r.size > maxRunsBytes && len(r.order) > 0) {
		r.size -= r.byKey[r.order[0]].bytes()
		delete(r.byKey, r.order[0])
		r.order = r.order[1:]
	}
	close(run.done)
}

func (r *oneRun) bytes() int {
	n := 0
	for _, c := range r.chunks {
		n += len(c)
	}
	return n
}
