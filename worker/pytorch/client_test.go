package pytorch_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

func client(t *testing.T, s *local.Server) *runpod.Endpoint {
	t.Helper()
	c, err := runpod.New(runpod.Config{APIKey: runpod.Secret(s.Key()), BaseURL: s.BaseURL()})
	if err != nil {
		t.Fatal(err)
	}
	return c.Endpoint(runpod.EndpointID(s.EndpointID()))
}

func (e *endpoint) hasGPU() bool {
	var c struct{ Devices int }
	e.call(map[string]any{"operation": worker.OpCapabilities}, &c)
	return c.Devices > 0
}

// TestGoClient trains with the Go client on this worker and on the engine: the
// same call, the same figures.
func TestGoClient(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, local.Options{})
	e.attach("w1")
	here := client(t, e.Server)
	s, err := local.Start(t.Context(), local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	x, y := points(120)
	data := train.Data{X: x, Y: y}
	gpu := e.hasGPU()
	// No bias before the batch norm: its gradient is rounding noise, which Adam makes large.
	layers := "linear 16 bias=false\nbatchnorm1d\nrelu\ndropout 0.2\nlinear 3"
	if gpu { // draws other masks
		layers = strings.Replace(layers, "dropout 0.2\n", "", 1)
	}
	spec := train.Layers(layers)
	epochs := 0
	o := train.Options{Epochs: 10, BatchSize: 16, LearningRate: 0.01, Seed: train.Seed(5), ValidationSplit: 0.25, Precision: "fp32", Endpoint: here,
		OnEvent: func(ev train.Event) {
			if ev.Type == worker.EventEpoch {
				epochs++
			}
		}}
	model, err := train.Fit(t.Context(), spec, data, o)
	if err != nil {
		t.Fatal(err)
	}
	if model.Epochs != 10 || epochs != 10 || len(model.History.Loss) != 10 {
		t.Errorf("%d epochs, %d events, history %v", model.Epochs, epochs, model.History.Loss)
	}
	onEngine := o
	onEngine.Endpoint, onEngine.OnEvent = client(t, s), nil
	twin, err := train.Fit(t.Context(), spec, data, onEngine)
	if err != nil {
		t.Fatal(err)
	}
	for i, loss := range model.History.Loss {
		near := 1e-5
		if i > 0 {
			near = 1e-3 // rounding grows with the steps
		}
		if d := math.Abs(loss - twin.History.Loss[i]); d > near {
			t.Errorf("epoch %d: %v, the engine has %v", i+1, loss, twin.History.Loss[i])
		}
	}

	o.Epochs = 5
	five, err := train.Fit(t.Context(), spec, data, o)
	if err != nil {
		t.Fatal(err)
	}
	o.From = five
	ten, err := train.Fit(t.Context(), nil, data, o)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := model.StateDict()
	b, _ := ten.StateDict()
	if len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Error("5+5 epochs are not 10")
	}
	var lines []string
	o.StateDelta, o.OnEvent = new(true), func(ev train.Event) { lines = append(lines, ev.Message+string(ev.Notice)) }
	again, err := train.Fit(t.Context(), nil, data, o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(lines, "\n"), "came back as differences") {
		t.Errorf("the states came whole: %q", lines)
	}
	if whole, err := train.Collect(t.Context(), here, again.RunID, nil); err != nil || tensors.IsDelta(whole.ModelState) || tensors.IsDelta(whole.OptimizerState) || whole.ModelState == "" {
		t.Errorf("who collects the run has its states as differences: %v", err)
	}
	if b, _ = again.StateDict(); !reflect.DeepEqual(a, b) {
		t.Error("5+5 epochs are not 10 where the states come back as differences")
	}
	if ev, err := again.Evaluate(x, y); err != nil || ev.Accuracy < 0.75 {
		t.Errorf("%v, %v", ev, err)
	}

	ev, err := model.Evaluate(x, y)
	if err != nil || ev.Accuracy < 0.75 || len(ev.Confusion) != 3 {
		t.Errorf("%v, %v", ev, err)
	}
	p, err := model.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	q, err := model.On(onEngine.Endpoint).Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 120 {
		for j := range 3 {
			if d := math.Abs(p.At(i, j) - q.At(i, j)); d > 1e-5 {
				t.Fatalf("[%d,%d]: %v, the engine has %v for the same weights", i, j, p.At(i, j), q.At(i, j))
			}
		}
	}

	// An error of the worker comes through with its kind and field.
	o = train.Options{Epochs: 1, Endpoint: here, Precision: "fp16"}
	var refused *worker.Error
	if _, err := train.Fit(t.Context(), spec, data, o); gpu {
		if err != nil {
			t.Error(err)
		}
	} else if !errors.As(err, &refused) || refused.Kind != worker.ErrUnsupported || refused.Field != "hyperparameters.precision" {
		t.Errorf("%v", err)
	}

	// An interrupt cancels the job, and the worker is free again.
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o = train.Options{Epochs: 1_000_000, BatchSize: 8, Endpoint: here, OnEvent: func(ev train.Event) {
		if ev.Type == worker.EventEpoch {
			cancel()
		}
	}}
	var cut *train.InterruptedError
	if _, err := train.Fit(ctx, spec, data, o); !errors.As(err, &cut) || !cut.Cancelled {
		t.Errorf("%v", err)
	}
	if _, err := model.Predict(x); err != nil {
		t.Error(err)
	}
}
