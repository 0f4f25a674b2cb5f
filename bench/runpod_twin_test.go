package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// twin starts an embedded endpoint whose handler yields two chunks and counts its
// runs.
func twin(t *testing.T, runs *atomic.Int64) (*local.Server, *runpod.Endpoint) {
	t.Helper()
	handler := func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		runs.Add(1)
		var in struct{ Fail, Wait bool }
		if err := json.Unmarshal(job.Input, &in); err != nil {
			return nil, err
		}
		if in.Fail {
			return nil, errors.New("it broke")
		}
		if in.Wait {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		for i := range 2 {
			if err := yield(json.RawMessage(fmt.Sprintf(`{"seq":%d}`, i))); err != nil {
				return nil, err
			}
		}
		return json.RawMessage(`{"ok":true}`), nil
	}
	s, err := local.Start(t.Context(), local.Options{Handler: handler})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	client, err := runpod.New(runpod.Config{APIKey: runpod.Secret(s.Key()), BaseURL: s.BaseURL(), ManagementURL: s.BaseURL()})
	if err != nil {
		t.Fatal(err)
	}
	return s, client.Endpoint(runpod.EndpointID(s.EndpointID()))
}

// Every fault by every operation: it ends well or in the documented error, and no
// submission becomes two jobs.
func TestFaultsByOperation(t *testing.T) {
	request := runpod.Request{Input: map[string]any{"fail": false}}
	failing := runpod.Request{Input: map[string]any{"fail": true}}
	waiting := runpod.Request{Input: map[string]any{"wait": true}}
	faults := []local.Fault{
		{Kind: local.FaultStatus, Status: 429},
		{Kind: local.FaultStatus, Status: 429, RetryAfter: 1},
		{Kind: local.FaultStatus, Status: 500},
		{Kind: local.FaultStatus, Status: 502, After: true},
		{Kind: local.FaultStatus, Status: 403},
		{Kind: local.FaultSlow, DelayMS: 50},
		{Kind: local.FaultCut},
		{Kind: local.FaultCut, After: true},
		{Kind: local.FaultTruncate},
		{Kind: local.FaultGone},
	}
	type op struct {
		name       runpod.Op
		repeatable bool
		names      bool // the request names a job
		before     *runpod.Request
		do         func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error
	}
	ops := []op{
		{runpod.OpRun, false, false, nil, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			_, err := e.Run(ctx, request)
			return err
		}},
		{runpod.OpRunSync, false, false, nil, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			_, err := e.RunSync(ctx, request, 0)
			return err
		}},
		{runpod.OpStatus, true, true, &request, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			_, err := e.Wait(ctx, id)
			return err
		}},
		{runpod.OpStream, true, true, &request, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			for _, err := range e.Stream(ctx, id) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{runpod.OpCancel, true, true, &waiting, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			_, err := e.Cancel(ctx, id)
			return err
		}},
		{runpod.OpRetry, false, true, &failing, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			if _, err := e.Wait(ctx, id); !errors.Is(err, runpod.ErrJobFailed) {
				return fmt.Errorf("the job did not fail: %w", err)
			}
			_, err := e.Retry(ctx, id)
			return err
		}},
		{runpod.OpPurgeQueue, false, false, nil, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			_, err := e.PurgeQueue(ctx)
			return err
		}},
		{runpod.OpHealth, true, false, nil, func(ctx context.Context, e *runpod.Endpoint, id runpod.JobID) error {
			_, err := e.Health(ctx)
			return err
		}},
	}
	for _, o := range ops {
		for _, f := range faults {
			f.Op = string(o.name)
			t.Run(fmt.Sprintf("%s/%s %d after=%v", o.name, f.Kind, f.Status, f.After), func(t *testing.T) {
				t.Parallel()
				want := []error{nil}
				switch {
				case f.Kind == local.FaultGone && o.names:
					want = []error{runpod.ErrNotFound}
				case f.Status == 403:
					want = []error{runpod.ErrForbidden}
				case f.Status == 429 || f.Kind == local.FaultSlow || o.repeatable || f.Kind == local.FaultGone:
				default:
					want = []error{runpod.ErrUnknownOutcome}
				}
				var runs atomic.Int64
				s, e := twin(t, &runs)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				id := runpod.JobID("none")
				if o.before != nil {
					job, err := e.Run(ctx, *o.before)
					if err != nil {
						t.Fatal(err)
					}
					id = job.ID
				}
				if err := s.Inject(f); err != nil {
					t.Fatal(err)
				}
				err := o.do(ctx, e, id)
				ok := false
				for _, w := range want {
					ok = ok || errors.Is(err, w)
				}
				if !ok {
					t.Errorf("got %v, want %v", err, want)
				}
				s.ClearFaults()
				if o.before != &waiting {
					for h := s.Health(); h.Jobs.InQueue+h.Jobs.InProgress > 0; h = s.Health() {
						time.Sleep(time.Millisecond)
					}
				}
				most := int64(1)
				if o.name == runpod.OpRetry {
					most = 2
				}
				if n := runs.Load(); n > most {
					t.Errorf("the handler ran %d times", n)
				}
			})
		}
	}
}

// The management API against the embedded endpoint's.
func TestManagementOnTwin(t *testing.T) {
	var runs atomic.Int64
	_, e := twin(t, &runs)
	m, ctx := e.Client().Management(), t.Context()
	spec := runpod.EndpointSpec{Name: "trainer", Type: runpod.TypeQueue, Container: runpod.Container{Image: "user/worker:1"},
		Scaling: runpod.ScaleOnDelay(4 * time.Second), GPU: &runpod.GPUChoice{Pools: []string{"ADA_24"}}, Workers: &runpod.WorkerBounds{Max: 2, IdleTimeout: 5}}
	info, created, err := m.EnsureEndpoint(ctx, spec)
	if err != nil || !created || info.ID == "" {
		t.Fatalf("%+v, %v, %v", info, created, err)
	}
	spec.Workers = &runpod.WorkerBounds{Max: 1}
	again, created, err := m.EnsureEndpoint(ctx, spec)
	if err != nil || created || again.ID != info.ID || again.Workers.Max != 1 {
		t.Errorf("again: %+v, %v, %v", again, created, err)
	}
	if _, err := m.Workers(ctx, info.ID); err != nil {
		t.Error(err)
	}
	if _, err := m.Releases(ctx, info.ID); err != nil {
		t.Error(err)
	}
	gpus, err := m.GPUs(ctx, runpod.GPUQuery{Stock: true})
	if err != nil || len(runpod.Pools(gpus)) == 0 {
		t.Errorf("%d kinds of GPU, %v", len(gpus), err)
	}
	tpl, err := m.CreateTemplate(ctx, runpod.TemplateSpec{Name: "t", Container: runpod.Container{Image: "user/worker:1"}, Serverless: true})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := m.FindTemplate(ctx, "t"); err != nil || found == nil || found.ID != tpl.ID {
		t.Errorf("%+v, %v", found, err)
	}
	if err := m.DeleteTemplate(ctx, tpl.ID); err != nil {
		t.Error(err)
	}
	if _, err := m.Volumes(ctx); err != nil {
		t.Error(err)
	}
	if _, err := m.Billing(ctx, runpod.BillingQuery{Start: time.Now().Add(-time.Hour), End: time.Now()}); err != nil {
		t.Error(err)
	}
	if err := m.DeleteEndpoint(ctx, info.ID); err != nil {
		t.Error(err)
	}
	if _, err := m.Endpoint(ctx, info.ID); !errors.Is(err, runpod.ErrNotFound) {
		t.Errorf("a deleted endpoint: %v", err)
	}
}
