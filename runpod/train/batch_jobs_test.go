package train

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// small trains a model with two inputs on an endpoint.
func small(t *testing.T, e *runpod.Endpoint, seed int64) (*Model, Data) {
	t.Helper()
	d := Data{X: mat.NewDense(4, 2, []float64{0, 0, 0, 1, 1, 0, 1, 1}), Y: []int{0, 1, 1, 0}}
	m, err := Fit(t.Context(), Layers("linear 4\ntanh\nlinear 2"), d, Options{Endpoint: e, Epochs: 2, Seed: Seed(seed)})
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

// A batch without an endpoint runs on the endpoints of its models: in one job on each of
// them.
func TestBatchRunsWhereItsModelsAre(t *testing.T) {
	a := newTap(t, func() engine.Store { return engine.MemoryStore(1 << 30) })
	b := newTap(t, func() engine.Store { return engine.MemoryStore(1 << 30) })
	one, d := small(t, a.endpoint, 1)
	two, _ := small(t, a.endpoint, 2)
	three, _ := small(t, b.endpoint, 3)
	a.ops()
	b.ops()
	var lines []string
	ctx := WithLog(t.Context(), func(line string) { lines = append(lines, line) })

	var same Batch
	results := []*Result[*Evaluation]{same.Evaluate(one, d), same.Evaluate(two, d)}
	if err := same.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if ops, _ := a.ops(); ops != "batch" || len(lines) > 0 {
		t.Errorf("one endpoint: %s, %q", ops, lines)
	}

	var several Batch
	results = append(results, several.Evaluate(one, d), several.Evaluate(three, d), several.Evaluate(two, d))
	if err := several.Run(ctx); err != nil {
		t.Fatal(err)
	}
	atA, _ := a.ops()
	atB, _ := b.ops()
	if atA != "batch" || atB != "batch" || len(lines) != 1 || lines[0] != "the models are on 2 endpoints: a job on each" {
		t.Errorf("two endpoints: %s, %s, %q", atA, atB, lines)
	}
	for i, m := range []*Model{one, two, one, three, two} {
		got, err := results[i].Get()
		want, wantErr := m.EvaluateContext(t.Context(), d)
		if err != nil || wantErr != nil || got.Loss != want.Loss {
			t.Errorf("%d: %v, %v; want %v, %v", i, got, err, want, wantErr)
		}
	}
}

// Predictions that do not fit into the answer get a job of their own.
func TestBatchOfLargeAnswers(t *testing.T) {
	p := newTap(t, func() engine.Store { return engine.MemoryStore(1 << 30) })
	m, d := small(t, p.endpoint, 1)
	x := mat.NewDense(1_000_000, 2, nil)
	p.ops()
	var lines []string
	ctx := WithLog(t.Context(), func(line string) { lines = append(lines, line) })
	var b Batch
	e, first, second := b.Evaluate(m, d), b.Predict(m, x), b.Predict(m, x)
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Get(); err != nil {
		t.Error(err)
	}
	for i, r := range []*Result[*mat.Dense]{first, second} { // 8 MB each, and an answer holds 12
		if got, err := r.Get(); err != nil || got.RawMatrix().Rows != 1_000_000 {
			t.Errorf("%d: %v", i, err)
		}
	}
	ops, _ := p.ops()
	if strings.Count(ops, "batch") != 1 || strings.Count(ops, "predict") != 1 || !strings.Contains(strings.Join(lines, "\n"), "1 of 3 parts have answers too large for the batch") {
		t.Errorf("%s, %q", ops, lines)
	}
}

// Parts that do not fit into one request are divided, before anything is computed.
func TestBatchOfLargeRequests(t *testing.T) {
	p := newTap(t, func() engine.Store { return engine.MemoryStore(1 << 30) })
	m, _ := small(t, p.endpoint, 1)
	b := Batch{Inline: 1 << 30} // all travels inside
	var results []*Result[*mat.Dense]
	random := rand.New(rand.NewPCG(1, 2))
	for range 3 { // 3.2 MB of numbers that do not shrink, 4.3 MB in a request, which may have 10
		values := make([]float64, 2*400_000)
		for i := range values {
			values[i] = random.NormFloat64()
		}
		results = append(results, b.Predict(m, mat.NewDense(400_000, 2, values)))
	}
	before := len(p.requests)
	var lines []string
	if err := b.Run(WithLog(t.Context(), func(line string) { lines = append(lines, line) })); err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if got, err := r.Get(); err != nil || got.RawMatrix().Rows != 400_000 {
			t.Errorf("%d: %v", i, err)
		}
	}
	if jobs := len(p.requests) - before; jobs != 2 || !slices.Equal(lines, []string{"3 parts are too large for one request: two jobs"}) {
		t.Errorf("%d jobs, %q", jobs, lines)
	}
}

// A worker that is too old to support batches gets the parts one by one.
func TestBatchOnOldWorker(t *testing.T) {
	h := engine.Handler(engine.Options{})
	calls := map[worker.Operation]int{}
	_, e := start(t, local.Options{Workers: 1, Handler: func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		r, err := worker.DecodeRequest(job.Input)
		if err != nil {
			return nil, err
		}
		calls[r.Operation]++
		if r.Operation == worker.OpBatch {
			return nil, &worker.Error{Kind: worker.ErrInvalid, Field: "operation", Message: "there is no operation batch"}
		}
		return h(ctx, job, yield)
	}})
	m, d := small(t, e, 1)
	var b Batch
	evaluation, scores := b.Evaluate(m, d), b.Predict(m, d.X)
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := evaluation.Get(); err != nil {
		t.Error(err)
	}
	if got, err := scores.Get(); err != nil || got.RawMatrix().Rows != 4 {
		t.Error(err)
	}
	if calls[worker.OpBatch] != 1 || calls[worker.OpEvaluate] != 1 || calls[worker.OpPredict] != 1 {
		t.Errorf("%v", calls)
	}
	var training Batch // there is no other way for it in a batch
	fit := training.Fit(Layers("linear 2"), d, Options{Endpoint: e, Epochs: 1})
	if err := training.Run(t.Context()); err == nil {
		t.Error("a batch that the worker refused has no error")
	}
	if _, err := fit.Get(); !errors.Is(err, ErrNotRun) {
		t.Error(err)
	}
}
