package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/worker"
)

// runs keeps the events of trainings: of finished ones, so that a repeated job is answered without
// training again, and of cancelled and failed ones, for clients that collect them.
type runs struct {
	mu    sync.Mutex
	byKey map[string]*oneRun
	byID  map[string]*oneRun // the latest run of each run_id
	order []string           // of byKey, oldest first
	size  int
}

// Limits on what runs keeps.
const (
	maxRuns      = 32
	maxRunsBytes = 256 << 20
)

// A oneRun is still training until done is closed. Nothing reads its chunks
// before that.
type oneRun struct {
	done   chan struct{}
	chunks []json.RawMessage // in the order of the stream
	whole  []json.RawMessage // the last events with full states, if the stream had deltas
	state  runState
}

// collected returns the chunks for a client that may not have the base states of a delta.
func (r *oneRun) collected() []json.RawMessage {
	if r.whole == nil {
		return r.chunks
	}
	var first worker.Event
	if json.Unmarshal(r.whole[0], &first) != nil {
		return r.chunks
	}
	// Each chunk is one event; events are numbered from 0.
	return slices.Concat(r.chunks[:min(first.Seq, len(r.chunks))], r.whole)
}

// A runState is how a run ended.
type runState int

const (
	forgotten runState = iota // it failed and left nothing
	finished
	left // cancelled or failed, and its chunks end with the events of what it left
)

// runKey combines a run_id with its request, so that the same run_id with another
// request is another run.
func runKey(id string, input []byte) string {
	sum := sha256.Sum256(input)
	return id + "\x00" + string(sum[:])
}

// begin returns the finished run to repeat, or a new one to fill. It waits if the run is
// still training.
func (r *runs) begin(ctx context.Context, key string) (run *oneRun, repeat bool, err error) {
	for {
		r.mu.Lock()
		old := r.byKey[key]
		if old == nil || old.state == left {
			run := &oneRun{done: make(chan struct{})}
			if r.byKey == nil {
				r.byKey, r.byID = map[string]*oneRun{}, map[string]*oneRun{}
			}
			if old != nil {
				r.drop(key)
			}
			r.byKey[key], r.byID[idOf(key)] = run, run
			r.mu.Unlock()
			return run, false, nil
		}
		r.mu.Unlock()
		select {
		case <-old.done:
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
		if old.state == finished {
			return old, true, nil
		}
	}
}

// find returns the latest run of a run_id, or nil if nothing is stored of it. If
// the run is still training, it waits.
func (r *runs) find(ctx context.Context, id string) (*oneRun, error) {
	r.mu.Lock()
	run := r.byID[id]
	r.mu.Unlock()
	if run == nil {
		return nil, nil
	}
	select {
	case <-run.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if run.state == forgotten {
		return nil, nil
	}
	return run, nil
}

// keep stores what is to be collected under an id that is not a training's.
func (r *runs) keep(id string, chunks []json.RawMessage) {
	key := runKey(id, nil)
	run := &oneRun{done: make(chan struct{}), chunks: chunks}
	r.mu.Lock()
	if r.byKey == nil {
		r.byKey, r.byID = map[string]*oneRun{}, map[string]*oneRun{}
	}
	if r.byKey[key] != nil {
		r.drop(key)
	}
	r.byKey[key], r.byID[id] = run, run
	r.mu.Unlock()
	r.end(key, run, finished)
}

// end stores a run that finished or left something, and forgets any other.
func (r *runs) end(key string, run *oneRun, state runState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run.state = state
	r.order = append(r.order, key)
	r.size += run.bytes()
	if state == forgotten {
		r.drop(key)
	}
	for len(r.order) > maxRuns || (r.size > maxRunsBytes && len(r.order) > 0) {
		r.drop(r.order[0])
	}
	close(run.done)
}

// drop removes a run that has ended.
func (r *runs) drop(key string) {
	run := r.byKey[key]
	r.size -= run.bytes()
	delete(r.byKey, key)
	if r.byID[idOf(key)] == run {
		delete(r.byID, idOf(key))
	}
	r.order = slices.DeleteFunc(r.order, func(k string) bool { return k == key })
}

// idOf returns the run_id in a key.
func idOf(key string) string {
	id, _, _ := strings.Cut(key, "\x00")
	return id
}

func (r *oneRun) bytes() int {
	n := 0
	for _, list := range [][]json.RawMessage{r.chunks, r.whole} {
		for _, c := range list {
			n += len(c)
		}
	}
	return n
}
