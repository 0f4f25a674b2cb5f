package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/export"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

func TestFit(t *testing.T) {
	f := &fakeWorker{}
	X, y := blobs(30)
	var types []worker.EventType
	m, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{
		Epochs: 3, Seed: Seed(5), Endpoint: serve(t, f),
		OnEvent: func(e Event) { types = append(types, e.Type) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.History.Len() != 3 || m.Epochs != 3 || math.Abs(m.History.Loss[2]-1.0/3) > 1e-12 || m.Device != "fake" || m.Seed() != 5 || !m.HasWeights() {
		t.Errorf("model %+v", m)
	}
	epochs := 0
	for _, k := range types {
		if k == worker.EventEpoch {
			epochs++
		}
	}
	if epochs != 3 {
		t.Errorf("events %v", types)
	}
	if got := m.String(); got != "model of 3 layers, 51 parameters, 3 epochs, loss 0.3333" {
		t.Errorf("string %q", got)
	}
	state, err := m.StateDict()
	if err != nil || state["0.weight"].String() != "float32[8 2]" {
		t.Errorf("state %v, %v", state, err)
	}
	P, err := m.Predict(X)
	if err != nil || !mat.EqualApprox(P, X, 1e-6) {
		t.Errorf("predictions %v, %v", P, err)
	}
	ev, err := m.Evaluate(X, y)
	if err != nil || ev.Loss != 0.25 || ev.Accuracy != 0.5 || !math.IsNaN(ev.RMSE) {
		t.Errorf("evaluation %+v, %v", ev, err)
	}
}

func TestFitFrom(t *testing.T) {
	f := &fakeWorker{}
	X, y := blobs(30)
	ep := serve(t, f)
	a, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Epochs: 2, Seed: Seed(5), LearningRate: 0.1, Endpoint: ep})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Fit(t.Context(), nil, Data{X: X, Y: y}, Options{Epochs: 3, From: a, Endpoint: ep})
	if err != nil {
		t.Fatal(err)
	}
	r := f.Requests[1]
	if r.StartEpoch != 2 || r.ModelState == "" || r.OptimizerState == "" || *r.Hyperparameters.Seed != 5 || r.Hyperparameters.LearningRate != 0.1 {
		t.Errorf("request %+v", r)
	}
	if want := []float64{1, 2, 3, 4, 5}; b.Epochs != 5 || !slices.Equal(b.History.Epoch, want) {
		t.Errorf("epochs %d, %v", b.Epochs, b.History.Epoch)
	}
	_, err = Fit(t.Context(), Layers("linear 3"), Data{X: X, Y: y}, Options{From: a, Endpoint: ep})
	if err == nil || !strings.Contains(err.Error(), "other layers") {
		t.Errorf("other layers: %v", err)
	}
	if _, err = Fit(t.Context(), nil, Data{X: X, Y: y}, Options{From: a, Optimizer: "sgd", Endpoint: ep}); err != nil || f.Requests[2].OptimizerState != "" {
		t.Errorf("another optimizer takes over the state: %v", err)
	}
}

// The stream may lose chunks; the final output has them.
func TestStreamWithHoles(t *testing.T) {
	X, y := blobs(30)
	f := &fakeWorker{Spoil: func(e *worker.Event) *worker.Event {
		if e.Seq%2 == 1 || e.Type == worker.EventDone {
			return nil
		}
		return e
	}}
	m, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Epochs: 5, Endpoint: serve(t, f)})
	if err != nil || m.History.Len() != 5 || !m.HasWeights() {
		t.Errorf("%v, %v", m, err)
	}
}

func TestWorkerFails(t *testing.T) {
	X, y := blobs(30)
	f := &fakeWorker{Each: func(_ context.Context, n int) error {
		if n == 3 {
			return &worker.Error{Kind: worker.ErrDiverged, Message: "the loss is NaN in epoch 3"}
		}
		return nil
	}}
	m, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Epochs: 5, Endpoint: serve(t, f)})
	var we *worker.Error
	if !errors.As(err, &we) || we.Kind != worker.ErrDiverged {
		t.Fatalf("error %T %v", err, err)
	}
	if m == nil || m.History.Len() != 2 || m.HasWeights() {
		t.Fatalf("model %v", m)
	}
	if _, err := m.Predict(X); !errors.Is(err, ErrNoWeights) {
		t.Errorf("predict: %v", err)
	}
	if _, err := m.StateDict(); !errors.Is(err, ErrNoWeights) {
		t.Errorf("state: %v", err)
	}
	if err := m.Save(filepath.Join(t.TempDir(), "x")); !errors.Is(err, ErrNoWeights) {
		t.Errorf("save: %v", err)
	}
}

func TestInterrupt(t *testing.T) {
	X, y := blobs(30)
	stopped := make(chan error, 1)
	f := &fakeWorker{Each: func(ctx context.Context, n int) error {
		if n < 3 {
			return nil
		}
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		return context.Cause(ctx)
	}}
	why := errors.New("the person pressed stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	m, err := Fit(ctx, twoLayers, Data{X: X, Y: y}, Options{Epochs: 5, Endpoint: serve(t, f), OnEvent: func(e Event) {
		if e.Type == worker.EventEpoch && e.Epoch.Epoch == 2 {
			cancel(why)
		}
	}})
	var cut *InterruptedError
	if !errors.As(err, &cut) || !errors.Is(err, why) {
		t.Fatalf("error %T %v", err, err)
	}
	if !cut.Cancelled || cut.Epochs != 2 || cut.JobID == "" {
		t.Errorf("%+v", cut)
	}
	if m == nil || m.History.Len() != 2 {
		t.Errorf("model %v", m)
	}
	select {
	case <-stopped:
	case <-time.After(5 * time.Second):
		t.Error("the worker goes on")
	}
}

func TestInterruptBeforeTheJob(t *testing.T) {
	X, y := blobs(30)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, err := Fit(ctx, twoLayers, Data{X: X, Y: y}, Options{Endpoint: serve(t, &fakeWorker{})})
	var cut *InterruptedError
	if !errors.As(err, &cut) || cut.JobID != "" || !errors.Is(err, context.Canceled) || m != nil {
		t.Errorf("%v, %v", m, err)
	}
}

func TestTooLarge(t *testing.T) {
	n := 2000
	X := mat.NewDense(n, 1000, nil)
	for i := range n {
		row := X.RawRowView(i)
		for j := range row {
			row[j] = math.Sin(float64(i*1000 + j)) // does not compress
		}
	}
	_, err := Fit(t.Context(), Layers("linear 2"), Data{X: X, Y: make([]int, n)}, Options{Endpoint: serve(t, &fakeWorker{})})
	if !errors.Is(err, runpod.ErrTooLarge) || !strings.Contains(err.Error(), "accepts 10.5 MB; send fewer samples") {
		t.Error(err)
	}
}

func TestSaveLoad(t *testing.T) {
	X, y := blobs(30)
	ep := serve(t, &fakeWorker{})
	m, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Epochs: 2, Endpoint: ep})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "net.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := m.StateDict()
	b, _ := back.StateDict()
	if len(a) != len(b) || !a["0.weight"].Equal(b["0.weight"]) || back.Epochs != 2 || back.Seed() != m.Seed() ||
		text(back.Spec) != text(m.Spec) || !slices.Equal(back.History.Loss, m.History.Loss) || back.optimizerState == "" {
		t.Errorf("back %+v", back)
	}
	if _, err := back.On(ep).Predict(X); err != nil {
		t.Error(err)
	}
	if _, err := Fit(t.Context(), nil, Data{X: X, Y: y}, Options{From: back, Endpoint: ep}); err != nil {
		t.Error(err)
	}
}

func TestExport(t *testing.T) {
	X, y := blobs(30)
	m, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Epochs: 2, Endpoint: serve(t, &fakeWorker{})})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, begin := range map[string]string{"net.safetensors": "", "net.pt": "PK\x03\x04", "net.PTH": "PK", "net.onnx": "\x08\x08", "net.go": "// Code generated"} {
		path := filepath.Join(dir, name)
		if err := m.Export(path, ""); err != nil {
			t.Error(err)
		}
		if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), begin) {
			t.Errorf("%s: %v %.20q", name, err, b)
		}
	}
	if err := m.Export(filepath.Join(dir, "net"), ""); err == nil || !strings.Contains(err.Error(), "unknown file extension") {
		t.Error(err)
	}
	if err := m.Export(filepath.Join(dir, "net"), "pickle"); err == nil || !strings.Contains(err.Error(), `unknown format "pickle"`) {
		t.Error(err)
	}
	m.Spec = &worker.ModelConfig{Type: "graph", Other: []byte(`{"type":"graph"}`)}
	if err := m.Export(filepath.Join(dir, "graph.onnx"), ""); !errors.Is(err, export.ErrUnsupported) {
		t.Error(err)
	}
	if err := m.Export(filepath.Join(dir, "graph.pt"), ""); err != nil {
		t.Error(err)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none")); err == nil {
		t.Error("no file")
	}
	one, _ := tensors.New(tensors.Float32, 1)
	for name, c := range map[string]struct {
		set      tensors.Set
		metadata map[string]string
		want     string
	}{
		"weights alone":  {tensors.Set{"0.weight": one}, nil, "but not the layers"},
		"no JSON":        {tensors.Set{}, map[string]string{headerKey: "{"}, "unexpected end"},
		"version":        {tensors.Set{}, map[string]string{headerKey: `{"version": 9}`}, "version 9"},
		"no layers":      {tensors.Set{}, map[string]string{headerKey: `{"version": 1}`}, "names no layers"},
		"missing tensor": {tensors.Set{"0.weight": one}, map[string]string{headerKey: `{"version": 1, "model_config": {"type": "sequential", "layers": [{"type": "linear", "in_features": 1, "out_features": 1}]}}`}, "shape [1] and the layers ask for [1, 1]"},
	} {
		path := filepath.Join(dir, "x.safetensors")
		if err := saveSet(path, c.set, c.metadata); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Chdir(t.TempDir()) // no .env
	for _, name := range []string{"RUNPOD_API_KEY", "RUNPOD_ENDPOINT_ID", "RUNPOD_ENDPOINT_BASE_URL", EnvLocalURL, EnvLocalKey} {
		t.Setenv(name, "")
	}
	if _, err := Locate(); !errors.Is(err, ErrNoEndpoint) {
		t.Errorf("nothing set: %v", err)
	}
	t.Setenv(EnvLocalURL, "http://127.0.0.1:1")
	t.Setenv("RUNPOD_API_KEY", "rpa_x")
	p, err := Locate()
	if err != nil || !p.Embedded || p.Missing != "RUNPOD_ENDPOINT_ID" || p.ID != "local" {
		t.Errorf("%+v, %v", p, err)
	}
	t.Setenv("RUNPOD_ENDPOINT_ID", "abc")
	if p, err = Locate(); err != nil || p.Embedded || p.ID != "abc" {
		t.Errorf("%+v, %v", p, err)
	}
	// Rate limits are shared by the process: there is one client per service and key.
	q, err := LocateID("other")
	if err != nil || q.ID != "other" || q.Client() != p.Client() {
		t.Errorf("%+v, %v: not the client of before", q, err)
	}
	t.Setenv("RUNPOD_API_KEY", "rpa_y")
	if q, err = Locate(); err != nil || q.Client() == p.Client() {
		t.Errorf("%+v, %v: the client of another key", q, err)
	}
}
