package train

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// behind starts an endpoint on this machine with that handler.
func behind(t *testing.T, h worker.Handler) *runpod.Endpoint {
	t.Helper()
	_, e := start(t, local.Options{Limits: map[string]local.Limit{}, Handler: h})
	return e
}

// fitOnes trains n epochs one by one.
func fitOnes(t *testing.T, n int, o Options) (m *Model, lines []string) {
	t.Helper()
	X, y := noise(200, 100)
	o.OnEvent = func(e Event) {
		if e.Type == worker.EventLog || e.Notice != "" {
			lines = append(lines, e.Message+string(e.Notice))
		}
	}
	o.Epochs, o.Seed = 1, Seed(1)
	var spec any = Layers("linear 1000\nrelu\nlinear 2")
	for range n {
		var err error
		if m, err = Fit(t.Context(), spec, Data{X: X, Y: y}, o); err != nil {
			t.Fatal(err)
		}
		o.From, spec = m, nil
	}
	return m, lines
}

func sameWeights(t *testing.T, a, b *Model) {
	t.Helper()
	if a.state != b.state || a.optimizerState != b.optimizerState || !a.HasWeights() {
		t.Error("the states differ")
	}
}

func TestStateDelta(t *testing.T) {
	h := engine.Handler(engine.Options{})
	var streamed int
	e := behind(t, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		return h(ctx, job, func(chunk json.RawMessage) error {
			streamed += len(chunk)
			return yield(chunk)
		})
	})
	whole, lines := fitOnes(t, 3, Options{Endpoint: e}) // an endpoint on this machine: none are asked for
	if strings.Contains(strings.Join(lines, "\n"), "differences") {
		t.Errorf("%q", lines)
	}
	before := streamed
	streamed = 0
	got, lines := fitOnes(t, 3, Options{Endpoint: e, StateDelta: new(true)})
	sameWeights(t, got, whole)
	if streamed > before*9/10 || !strings.Contains(strings.Join(lines, "\n"), "the states came back as differences to those before") {
		t.Errorf("%d bytes, %d without differences; %q", streamed, before, lines)
	}
	if got.features == nil || len(got.deltas) != 2 {
		t.Errorf("features %v, %d differences", got.features, len(got.deltas))
	}
	p, err := Prepare(nil, Data{X: [][]float64{make([]float64, 100), make([]float64, 100)}, Y: []int{0, 1}}, Options{From: got})
	if err != nil {
		t.Fatal(err)
	}
	far, err := runpod.New(runpod.Config{APIKey: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if !p.wantsDelta(far.Endpoint("abc")) || p.wantsDelta(e) {
		t.Error("differences are for endpoints that are not on this machine")
	}
}

// TestStateDeltaOldWorker: a worker that does not support deltas refuses the field, and the
// training goes on without them.
func TestStateDeltaOldWorker(t *testing.T) {
	h := engine.Handler(engine.Options{})
	refused := 0
	e := behind(t, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		if strings.Contains(string(job.Input), `"state_delta"`) {
			refused++
			return nil, worker.Invalid("state_delta", "the input has no such field")
		}
		return h(ctx, job, yield)
	})
	whole, _ := fitOnes(t, 2, Options{Endpoint: e})
	got, _ := fitOnes(t, 2, Options{Endpoint: e, StateDelta: new(true)})
	sameWeights(t, got, whole)
	if refused != 1 {
		t.Errorf("refused %d times", refused)
	}
}

// TestStateDeltaDamaged: a delta that does not produce the state with its digest is an error.
func TestStateDeltaDamaged(t *testing.T) {
	h := engine.Handler(engine.Options{})
	e := behind(t, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		return h(ctx, job, func(chunk json.RawMessage) error {
			if i := strings.Index(string(chunk), `"delta:`); i > 0 {
				chunk = []byte(string(chunk[:i+80]) + strings.Repeat("0", 40) + string(chunk[i+120:]))
			}
			return yield(chunk)
		})
	})
	first, _ := fitOnes(t, 1, Options{Endpoint: e})
	X, y := noise(200, 100)
	m, err := Fit(t.Context(), nil, Data{X: X, Y: y}, Options{From: first, Epochs: 1, Endpoint: e, StateDelta: new(true)})
	if !errors.Is(err, ErrResult) || !errors.Is(err, tensors.ErrFormat) || m.HasWeights() {
		t.Errorf("%v, weights %v", err, m.HasWeights())
	}
}

// TestStateDeltaTwoWorkers: two workers share nothing, and each has the state before the
// last one. Each gets the last state as a delta.
func TestStateDeltaTwoWorkers(t *testing.T) {
	workers := [2]worker.Handler{engine.Handler(engine.Options{}), engine.Handler(engine.Options{})}
	turn := 0
	var inputs []string
	e := behind(t, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		inputs = append(inputs, string(job.Input))
		return workers[turn](ctx, job, yield)
	})
	X, y := noise(4000, 100)
	o := Options{Endpoint: e, Epochs: 1, Seed: Seed(1), BatchSize: 1000, StateDelta: new(true)}
	first, err := Fit(t.Context(), Layers("linear 1000\nrelu\nlinear 2"), Data{X: X, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	turn = 1
	if _, err := first.Evaluate(X, y); err != nil { // gives the second one the data and the first state
		t.Fatal(err)
	}
	turn, o.From = 0, first
	second, err := Fit(t.Context(), nil, Data{X: X, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := second.Evaluate(X, y)
	if err != nil {
		t.Fatal(err)
	}
	turn, inputs = 1, nil
	got, err := second.Evaluate(X, y)
	if err != nil || got.Loss != want.Loss {
		t.Fatalf("%v, %v", got, err)
	}
	all := strings.Join(inputs, "\n")
	if len(inputs) != 2 || !strings.Contains(inputs[1], `"model_state":"delta:`) || len(all) > len(second.state)*9/10 {
		t.Errorf("%d requests of %d bytes for a state of %d", len(inputs), len(all), len(second.state))
	}
	// A worker that claims to have the base but does not have it gets the whole state.
	empty, lied, refused := engine.Handler(engine.Options{}), false, 0
	workers[1] = func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		r, err := worker.DecodeRequest(job.Input)
		if err == nil && r.Have != nil && !lied {
			lied = true
			base, _, _ := tensors.DeltaDigests(second.deltas[worker.ModelState])
			return json.Marshal(worker.Response{Operation: r.Operation, Status: "success", Have: []string{base}})
		}
		output, err := empty(ctx, job, yield)
		if err != nil {
			refused++
		}
		return output, err
	}
	if got, err = second.Evaluate(X, y); err != nil || got.Loss != want.Loss || refused != 1 {
		t.Fatalf("%v, %v, refused %d times", got, err, refused)
	}
}

// TestAttachToDelta: another process that attaches does not have the base of the deltas, so
// it collects the whole states.
func TestAttachToDelta(t *testing.T) {
	e := behind(t, engine.Handler(engine.Options{}))
	m, _ := fitOnes(t, 2, Options{Endpoint: e, StateDelta: new(true)})
	record, err := json.Marshal(Record{Receipt: m.Receipt, Input: m.Input, Output: m.Output, Parameters: m.Parameters})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Attach(t.Context(), runs.Run{ID: m.RunID, Job: string(m.JobID), Record: record}, Options{Endpoint: e})
	if err != nil {
		t.Fatal(err)
	}
	sameWeights(t, got, m)
}
