package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// Faults of the service at every operation of this package: the operation has its result, or
// its error says that a job may exist; no job runs that nobody asked for.
func TestOperationsFaultTable(t *testing.T) {
	var ran atomic.Int32
	handler := engine.Handler(engine.Options{})
	s, e := start(t, local.Options{Handler: func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		ran.Add(1)
		return handler(ctx, job, yield)
	}})
	X, y := blobs(30)
	data := Data{X: X, Y: y}
	store := &runMemory{runs: map[string]runs.Run{}}
	model, err := Fit(t.Context(), twoLayers, data, Options{Endpoint: e, Epochs: 2, Seed: Seed(1), Runs: store})
	if err != nil {
		t.Fatal(err)
	}
	run := store.only(t)
	operations := []struct {
		name string
		jobs int32
		do   func() error
	}{
		{"Fit", 1, func() error {
			m, err := Fit(t.Context(), twoLayers, data, Options{Endpoint: e, Epochs: 2, Seed: Seed(1)})
			if err == nil && m.state != model.state {
				return errors.New("other weights")
			}
			return err
		}},
		{"Attach", 0, func() error {
			m, err := Attach(t.Context(), run, Options{Endpoint: e})
			if err == nil && m.state != model.state {
				return errors.New("other weights")
			}
			return err
		}},
		{"Evaluate", 1, func() error { _, err := model.Evaluate(X, y); return err }},
		{"Predict", 1, func() error { _, err := model.Predict(X); return err }},
		{"Batch", 1, func() error {
			b := Batch{Endpoint: e}
			one, two := b.Evaluate(model, data), b.Predict(model, X)
			if err := b.Run(t.Context()); err != nil {
				return err
			}
			_, err := one.Get()
			_, bad := two.Get()
			return errors.Join(err, bad)
		}},
		{"Collect", 1, func() error { _, err := Collect(t.Context(), e, model.RunID, nil); return err }},
	}
	faults := []local.Fault{
		{Kind: local.FaultStatus, Status: 429, Count: 3}, {Kind: local.FaultStatus, Status: 500}, {Kind: local.FaultStatus, Status: 502, After: true},
		{Kind: local.FaultStatus, Status: 524, Count: 2}, {Kind: local.FaultCut}, {Kind: local.FaultCut, After: true}, {Kind: local.FaultTruncate},
		{Kind: local.FaultSlow, DelayMS: 20}, {Kind: local.FaultStatus, Status: 404, Count: 2},
	}
	for _, operation := range operations {
		for _, at := range []string{"run", "status", "stream"} {
			for _, f := range faults {
				if f.Status == 404 && (at == "run" || operation.name == "Attach") {
					continue // there is no such endpoint; or the job is old enough to be gone
				}
				f.Op = at
				name := fmt.Sprintf("%s, %s: %s %d after %v", operation.name, at, f.Kind, f.Status, f.After)
				if err := s.Inject(f); err != nil {
					t.Fatal(err)
				}
				before := ran.Load()
				err := operation.do()
				doubt := at == "run" && f.Status != 429 && f.Kind != local.FaultSlow && errors.Is(err, runpod.ErrUnknownOutcome)
				if err != nil && !doubt {
					t.Errorf("%s: %v", name, err)
				}
				s.ClearFaults()
				// The only worker has done all others before this one.
				if _, err := transfer.Call(t.Context(), e, &worker.Request{Operation: worker.OpCapabilities, Protocol: worker.Protocol}, runpod.Policy{}); err != nil {
					t.Fatal(err)
				}
				if n := ran.Load() - before - 1; n > operation.jobs {
					t.Errorf("%s: %d jobs", name, n)
				}
			}
		}
	}
}
