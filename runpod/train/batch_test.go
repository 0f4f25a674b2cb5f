package train

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
)

// One job returns the same as several jobs, whether the data is sent inside the request or
// before it.
func TestBatch(t *testing.T) {
	p := newTap(t, func() engine.Store { return engine.MemoryStore(1 << 30) })
	x, y := wide(t)
	x = slice(t, x, 300)
	y = y[:300]
	o := Options{Endpoint: p.endpoint, Epochs: 2, BatchSize: 100, Seed: Seed(1)}
	m, err := Fit(t.Context(), Layers("linear 64\nrelu\nlinear 2"), Data{X: x, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Evaluate(x, y)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, inline := range []int{0, 1} {
		before := len(p.requests)
		b := Batch{Endpoint: p.endpoint, Inline: inline}
		e, s, f := b.Evaluate(m, Data{X: x, Y: y}), b.Predict(m, x), b.Fit(Layers("linear 64\nrelu\nlinear 2"), Data{X: x, Y: y}, o)
		wrong := b.Evaluate(m, Data{X: x, Y: y[:3]})
		diverges := o // which the worker finds out
		diverges.Optimizer, diverges.LearningRate = "sgd", 1e30
		class := b.Fit(Layers("linear 64\nrelu\nlinear 2"), Data{X: x, Y: y}, diverges)
		late := b.Fit(nil, Data{X: x, Y: y}, Options{From: m, Epochs: 1})
		if _, err := e.Get(); !errors.Is(err, ErrNotRun) {
			t.Errorf("before: %v", err)
		}
		if err := b.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := e.Get(); err != nil || !reflect.DeepEqual(got.Confusion, want.Confusion) || got.Loss != want.Loss {
			t.Errorf("evaluate: %+v, %v", got, err)
		}
		if got, err := s.Get(); err != nil || !reflect.DeepEqual(got, scores) {
			t.Errorf("predict: %v", err)
		}
		if got, err := f.Get(); err != nil || got.state != m.state || got.Epochs != 2 {
			t.Errorf("fit: %v, %v", got, err)
		}
		if got, err := late.Get(); err != nil || got.Epochs != 3 {
			t.Errorf("fit further: %v, %v", got, err)
		}
		var data *DataError
		if _, err := wrong.Get(); !errors.As(err, &data) {
			t.Errorf("three labels: %v", err)
		}
		var refused *worker.Error
		if _, err := class.Get(); !errors.As(err, &refused) || refused.Kind != worker.ErrDiverged || !strings.Contains(refused.Field, "requests[3]") {
			t.Errorf("a rate of 1e30: %v", err)
		}
		batches, arrays := 0, 0
		for _, r := range p.requests[before:] {
			if r.Operation == worker.OpBatch {
				batches++
				if r.Tensors != nil {
					set, err := tensors.DecodeSet(r.Tensors.Codec, r.Tensors.Data, 0)
					if err != nil {
						t.Fatal(err)
					}
					arrays = len(set)
				}
			}
		}
		if batches != 1 || inline == 0 && arrays != 2 || inline == 1 && arrays != 1 { // x and y once, y of 2.4 kB always
			t.Errorf("inline %d: %d batches, %d arrays inside", inline, batches, arrays)
		}
		if err := b.Run(t.Context()); err != nil { // nothing is asked for any more
			t.Error(err)
		}
	}
}
