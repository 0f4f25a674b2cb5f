package train

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// RunPod may not know a job for some seconds after it has accepted it. No operation reports
// such a job as lost, also not in a process that did not submit it.
func TestJobsThatAreVisibleLate(t *testing.T) {
	s, e := start(t, local.Options{Handler: engine.Handler(engine.Options{}), VisibleAfter: 200 * time.Millisecond, Workers: 2})
	other := func() *runpod.Endpoint { // the client of another process
		client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
		if err != nil {
			t.Fatal(err)
		}
		return client.Endpoint(e.ID)
	}
	X, y := blobs(30)
	data := Data{X: X, Y: y}
	store := &runMemory{runs: map[string]runs.Run{}}
	o := Options{Endpoint: e, Epochs: 2, Seed: Seed(1), Runs: store}
	attached := make(chan error, 1)
	o.OnSubmit = func(_ string, job runpod.JobID) {
		if job == "" {
			return
		}
		run := store.only(t)
		run.Job = string(job)
		go func() {
			_, err := Attach(t.Context(), run, Options{Endpoint: other()})
			attached <- err
		}()
	}
	m, err := Fit(t.Context(), twoLayers, data, o)
	if err != nil || m.Epochs != 2 || !m.HasWeights() {
		t.Fatal(m, err)
	}
	if err := <-attached; err != nil {
		t.Errorf("attach: %v", err)
	}
	if _, err := m.Evaluate(X, y); err != nil {
		t.Errorf("evaluate: %v", err)
	}
	if _, err := m.Predict(X); err != nil {
		t.Errorf("predict: %v", err)
	}
	b := Batch{Endpoint: e}
	evaluation := b.Evaluate(m, data)
	if err := b.Run(t.Context()); err != nil {
		t.Errorf("batch: %v", err)
	} else if _, err := evaluation.Get(); err != nil {
		t.Errorf("batch: %v", err)
	}
	// A training that is stopped at once leaves no job that runs.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	long := Options{Endpoint: e, Epochs: 1_000_000, OnSubmit: func(_ string, job runpod.JobID) {
		if job != "" {
			stop()
		}
	}, GiveUp: closed()}
	var cut *InterruptedError
	if _, err := Fit(ctx, twoLayers, data, long); !errors.As(err, &cut) || !cut.Cancelled {
		t.Errorf("interrupt: %v", err)
	}
	if h := s.Health(); h.Jobs.InProgress != 0 || h.Jobs.InQueue != 0 {
		t.Errorf("jobs are left: %+v", h.Jobs)
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// A connection that is cut at /run leaves it open whether there is a job. The error says so,
// nothing is sent again, and what the job has computed is found by the run's id.
func TestConnectionIsCutAtRun(t *testing.T) {
	for _, accepted := range []bool{false, true} {
		s, e := start(t, local.Options{Handler: engine.Handler(engine.Options{}), Faults: []local.Fault{{Kind: local.FaultCut, Op: "run", After: accepted}}})
		X, y := blobs(30)
		store := &runMemory{runs: map[string]runs.Run{}}
		_, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Endpoint: e, Epochs: 2, Runs: store})
		if !errors.Is(err, runpod.ErrUnknownOutcome) {
			t.Fatalf("accepted %v: %v", accepted, err)
		}
		run := store.only(t)
		if run.State != runs.Failed || run.Job != "" {
			t.Errorf("accepted %v: the run is %s, job %q", accepted, run.State, run.Job)
		}
		m, err := Attach(t.Context(), run, Options{Endpoint: e}) // its question waits behind the job
		if accepted && (err != nil || !m.HasWeights() || m.Epochs != 2) || !accepted && !errors.Is(err, ErrGone) {
			t.Errorf("accepted %v: %+v, %v", accepted, m, err)
		}
		want := 1 // the question
		if accepted {
			want = 2
		}
		if h := s.Health(); h.Jobs.Completed+h.Jobs.Failed != want {
			t.Errorf("accepted %v: %+v, want %d jobs", accepted, h.Jobs, want)
		}
	}
}
