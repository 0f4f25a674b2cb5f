package pytorch_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
	"github.com/gopherpod/gopherpod/worker/local/pytorch"
)

// These tests train real models with PyTorch, on an endpoint like that of a notebook. They
// run with GOPHERPOD_E2E=1 and GOPHERPOD_PYTHON, a Python with torch, msgpack and zstandard.

const net = `
class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.hidden, self.out = nn.Linear(2, width), nn.Linear(width, 3)
    def forward(self, x):
        return self.out(F.relu(self.hidden(x)))
`

// real returns an endpoint on this machine with PyTorch.
func real(t *testing.T) *runpod.Endpoint {
	t.Helper()
	if os.Getenv("GOPHERPOD_E2E") != "1" {
		t.Skip("GOPHERPOD_E2E=1 trains with PyTorch")
	}
	if os.Getenv("GOPHERPOD_PYTHON") == "" {
		t.Fatal("GOPHERPOD_PYTHON is not set: it names a Python that has torch, msgpack and zstandard")
	}
	store := t.TempDir()
	h := pytorch.Handler(pytorch.Options{
		Engine: engine.Handler(engine.Options{Store: local.FolderStore(store, 1<<30)}), Store: store,
		Source: func() (string, error) { return filepath.Abs("../../..") },
	})
	_, e := traintest.Start(t, local.Options{Handler: h, StoreDir: store})
	return e
}

func TestPythonModel(t *testing.T) {
	e := real(t)
	x, y := traintest.Blobs(60)
	ctx := context.Background()
	o := train.Options{Endpoint: e, Epochs: 4, Seed: train.Seed(1), LearningRate: 0.02, ValidationSplit: 0.25}
	m, err := train.Fit(ctx, train.Python(net), train.Data{X: x, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	if m.Parameters != 2*16+16+16*3+3 || len(m.Output) != 1 || m.Output[0] != 3 || m.History.Len() != 4 || !m.History.HasAccuracy() {
		t.Errorf("%s, output %v", m, m.Output)
	}
	// The same network as a list of layers starts and learns alike, on the Go engine.
	layers, err := train.Fit(ctx, train.Layers("linear 16\nrelu\nlinear 3"), train.Data{X: x, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range layers.History.ValLoss {
		if d := v - m.History.ValLoss[i]; d > 1e-5 || d < -1e-5 {
			t.Errorf("epoch %d: validation loss %v in Python, %v as layers", i+1, m.History.ValLoss[i], v)
		}
	}
	again, err := train.Fit(ctx, train.Python(net), train.Data{X: x, Y: y}, o)
	if err != nil || again.History.Loss[3] != m.History.Loss[3] {
		t.Errorf("the seed repeats nothing: %v, %v", again, err)
	}

	// Saved, loaded, used and continued.
	path := filepath.Join(t.TempDir(), "net.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := train.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded.On(e)
	a, errA := m.Classes(x)
	b, errB := loaded.Classes(x)
	ev, errC := loaded.Evaluate(x, y)
	if err := errors.Join(errA, errB, errC); err != nil {
		t.Fatal(err)
	}
	right := 0
	for i := range a {
		if a[i] != b[i] {
			t.Errorf("row %d: class %d, after loading %d", i, a[i], b[i])
		}
		if a[i] == y[i] {
			right++
		}
	}
	if d := ev.Accuracy - float64(right)/60; d > 1e-6 || d < -1e-6 || len(ev.PerClass) != 3 {
		t.Errorf("accuracy %v, of the classes %v", ev.Accuracy, float64(right)/60)
	}
	o.From, o.Epochs, o.Seed = loaded, 2, nil
	more, err := train.Fit(ctx, nil, train.Data{X: x, Y: y}, o)
	if err != nil || more.Epochs != 6 {
		t.Errorf("%v, %v", more, err)
	}
}

func TestPythonFunctions(t *testing.T) {
	e := real(t)
	x, _ := traintest.Blobs(60)
	const vae = `
class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.code, self.back = nn.Linear(2, 4), nn.Linear(2, 2)
    def forward(self, x):
        mean, log = self.code(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (log / 2).exp() if self.training else mean
        return {"image": self.back(z), "mean": mean, "log": log}

def loss(outputs, targets):
    kl = -0.5 * (1 + outputs["log"] - outputs["mean"] ** 2 - outputs["log"].exp()).sum(1).mean()
    return F.mse_loss(outputs["image"], targets) + 0.01 * kl

def metrics(outputs, targets):
    return {"error": (outputs["image"] - targets).abs().mean()}

def augment(batch, generator):
    return batch + 0.01 * torch.randn(batch.shape, generator=generator)

def configure_optimizer(model):
    return torch.optim.SGD([{"params": model.code.parameters(), "lr": 0.05}, {"params": model.back.parameters(), "lr": 0.02}], momentum=0.9)
`
	m, err := train.Fit(context.Background(), train.Python(vae), train.Data{X: x, Y: x}, train.Options{Endpoint: e, Epochs: 20, ValidationSplit: 0.25, Seed: train.Seed(3)})
	if err != nil {
		t.Fatal(err)
	}
	first, last := m.History.Records[0], m.History.Records[19]
	if m.Hyperparameters.LossFunction != "mse" || first.LearningRate != 0.05 || last.ValCustom["error"] >= first.ValCustom["error"] || last.ValCustom["error"] <= 0 {
		t.Errorf("%+v\n%+v", first, last)
	}
	out, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	if r, c := out.Dims(); r != 60 || c != 2 {
		t.Errorf("%d x %d", r, c)
	}
	ev, err := m.Evaluate(x, x)
	if err != nil || ev.Metrics.Custom["error"] <= 0 {
		t.Errorf("%+v, %v", ev, err)
	}
}

func TestPythonErrors(t *testing.T) {
	e := real(t)
	x, y := traintest.Blobs(30)
	for body, want := range map[string]string{
		strings.Replace(net, "nn.Linear(2, width)", "nn.Linear(5, width)", 1): "line 7, in forward, return self.out(F.relu(self.hidden(x))): RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x2 and 5x16)",
		net + "import os\nos._exit(7)\n":                                      "ended its process with exit status 7",
		net + "def loss(outputs, targets):\n    return outputs\n":             "loss returns a tensor of shape [2, 3]; want one number",
	} {
		_, err := train.Fit(context.Background(), train.Python(body), train.Data{X: x, Y: y}, train.Options{Endpoint: e, Epochs: 1})
		var refused *worker.Error
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestPythonCancelled(t *testing.T) {
	e := real(t)
	x, y := traintest.Blobs(60)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	m, err := train.Fit(ctx, train.Python(net), train.Data{X: x, Y: y}, train.Options{Endpoint: e, Epochs: 100_000, OnEvent: func(ev train.Event) {
		if ev.Type == worker.EventEpoch && ev.Epoch.Epoch >= 3 {
			cancel()
		}
	}})
	var cut *train.InterruptedError
	if !errors.As(err, &cut) || !cut.Weights || m == nil || !m.HasWeights() {
		t.Errorf("%v, %v", m, err)
	}
}

// A graph as JSON runs on PyTorch too, and both kinds of models leave files that PyTorch reads.
func TestGraphAndExport(t *testing.T) {
	e := real(t)
	x, y := traintest.Blobs(60)
	const graph = `{"type": "graph", "nodes": [
		{"name": "a", "layers": [{"type": "linear", "out_features": 8}, {"type": "relu"}]},
		{"name": "b", "inputs": ["input", "a"], "layers": [{"type": "linear", "out_features": 3}]}]}`
	for spec, weight := range map[string]string{graph: "nodes.a.0.weight", net: "hidden.weight"} {
		m, err := train.Fit(t.Context(), train.Layers(spec), train.Data{X: x, Y: y}, train.Options{Endpoint: e, Epochs: 2, Seed: train.Seed(1)})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "net.pt")
		if err := m.Export(path, ""); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(os.Getenv("GOPHERPOD_PYTHON"), "-c", "import sys, torch; print(sorted(torch.load(sys.argv[1])))", path).CombinedOutput()
		if err != nil || !strings.Contains(string(out), weight) {
			t.Errorf("%s, %v", out, err)
		}
		if err := m.Export(filepath.Join(t.TempDir(), "net.onnx"), ""); err == nil || !strings.Contains(err.Error(), ".pt and .safetensors hold its weights") {
			t.Error(err)
		}
	}
}
