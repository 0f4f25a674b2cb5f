package train

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
	"github.com/gopherpod/gopherpod/runpod/runs"
)

// A runMemory is a run store that keeps its runs in memory.
type runMemory struct {
	runs.Store // nil: the methods that are not here are not called
	mu         sync.Mutex
	runs       map[string]runs.Run
}

func (m *runMemory) Put(_ context.Context, r runs.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[r.ID] = r
	return nil
}

func (m *runMemory) Append(context.Context, string, []runs.Event) error { return nil }

func (m *runMemory) Events(context.Context, string) ([]runs.Event, error) { return nil, nil }

// only returns the only run.
func (m *runMemory) only(t *testing.T) runs.Run {
	t.Helper()
	all := slices.Collect(maps.Values(m.runs))
	if len(all) != 1 {
		t.Fatalf("%d runs in the store", len(all))
	}
	return all[0]
}

var waiting = step("GET", "stream/j-u1?wait=1001", `{"status":"IN_QUEUE","stream":[]}`)

// late are the requests about a job that is cancelled because no worker took it.
func late() []runpodtest.Step {
	health := step("GET", "health", `{"jobs":{"inQueue":1},"workers":{"running":1}}`)
	return []runpodtest.Step{health, status(`"IN_QUEUE"`), cancelled, status(`"CANCELLED"`)}
}

// Fit ends a training that no worker takes in time: its job is cancelled, the run has failed
// in the store, and nobody is asked for weights that cannot exist. If the process of Fit is
// gone by then, Attach does the same.
func TestFitAndAttachKeepTheQueueTimeout(t *testing.T) {
	for _, attach := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := runpodtest.New(t)
			client, err := runpod.New(server.Config())
			if err != nil {
				t.Fatal(err)
			}
			store := &runMemory{runs: map[string]runs.Run{}}
			X, y := blobs(30)
			o := Options{Endpoint: client.Endpoint("ep"), Runs: store, Policy: runpod.Policy{QueueTimeout: time.Second, ExecutionTimeout: time.Minute}}
			if attach {
				plan, bad := Prepare(twoLayers, Data{X: X, Y: y}, o)
				if bad != nil {
					t.Fatal(bad)
				}
				run := runs.Run{ID: plan.RunID, State: runs.Open, Created: time.Now().Add(-2 * time.Second), Job: "j-u1", Endpoint: "ep",
					Record: plan.recordOf(plan.unfinished("", o.Endpoint, nil))}
				server = runpodtest.New(t, step("GET", "stream/j-u1", `{"status":"IN_QUEUE","stream":[]}`))
				server.Add(late()...)
				server.Add(status(`"CANCELLED"`))
				if client, err = runpod.New(server.Config()); err != nil {
					t.Fatal(err)
				}
				_ = store.Put(t.Context(), run)
				_, err = Attach(t.Context(), run, Options{Endpoint: client.Endpoint("ep"), Runs: store})
			} else {
				held := waiting
				held.Delay = time.Second
				server.Add(accepted, held)
				server.Add(late()...)
				server.Add(status(`"CANCELLED"`)) // how long was it executed?
				_, err = Fit(t.Context(), twoLayers, Data{X: X, Y: y}, o)
			}
			if !errors.Is(err, runpod.ErrQueueTimeout) || !strings.Contains(err.Error(), "is not billed") {
				t.Errorf("attach %v: %v", attach, err)
			}
			if r := store.only(t); r.State != runs.Failed || !strings.Contains(r.Error, "no worker took job j-u1 within 1s") {
				t.Errorf("attach %v: the run is %s: %s", attach, r.State, r.Error)
			}
		})
	}
}

// If another job of a sweep has waited too long, which ends the sweep, this training's job is
// cancelled too.
func TestQueueTimeoutOfAnotherJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := step("GET", "stream/j-u1", `{"status":"IN_QUEUE","stream":[]}`)
		held.Delay = time.Minute
		server := runpodtest.New(t, accepted, held, cancelled)
		client, err := runpod.New(server.Config())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(&runpod.QueueTimeoutError{JobID: "other-u1", Limit: time.Second}) })
		X, y := blobs(30)
		_, err = Fit(ctx, twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep"), Policy: runpod.Policy{ExecutionTimeout: time.Minute}})
		var cut *InterruptedError
		if !errors.As(err, &cut) || !cut.Cancelled || cut.JobID != "j-u1" {
			t.Errorf("%v", err)
		}
	})
}
