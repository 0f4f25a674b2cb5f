package magics

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/tensors/python"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
	"github.com/gopherpod/gopherpod/worker/local/pytorch"
)

const pythonNet = `class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        return self.out(x)
`

// withPython makes a program that says what it is told the Python of this machine: it has
// everything, and a source is right unless there is an answer.
func withPython(t *testing.T, answer string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python3")
	script := "#!/bin/sh\n[ \"$1\" = -c ] && { echo 3 12; exit; }\ncat >/dev/null\necho '" + answer + "'\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(python.EnvPython, path)
}

// fakeEndpoint is embedded with a worker that does not compute.
func fakeEndpoint(t *testing.T) *traintest.Worker {
	t.Helper()
	embedded(t)
	w := &traintest.Worker{}
	s, err := local.Start(context.Background(), local.Options{Handler: w.Handle})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Setenv(train.EnvLocalURL, s.URL())
	t.Setenv(train.EnvLocalKey, s.Key())
	return w
}

func TestPythonBody(t *testing.T) {
	vars := session(t)
	w := fakeEndpoint(t)
	withPython(t, "")
	vars.Define("width", 10)
	w.Measure = func(_ *worker.Request, e *worker.Epoch) {
		e.Custom = map[string]worker.Number{"f\x1b[31m1": worker.Number(float64(e.Epoch) / 10)}
	}
	body := strings.ReplaceAll(pythonNet, "10)", "$width)") + "\ndef loss(outputs, targets):\n    return F.cross_entropy(outputs, targets)\n\ndef configure_optimizer(model):\n    return torch.optim.SGD(model.parameters(), lr=0.1)\n"
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 2 --seed 7", body, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	text := out.text()
	for _, want := range []string{"Python Net with its own loss, configure_optimizer, run there as code, 2 epochs", "batch 32, seed 7", "training f1"} {
		if !strings.Contains(strings.ReplaceAll(text, "[31m", ""), want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "adam") || strings.Contains(text, "\x1b") {
		t.Error(text)
	}
	model := vars.m["model"].Interface().(*train.Model)
	if html, _ := receipt(model.Receipt).Data["text/html"].(string); !strings.Contains(html, "the model&#39;s own, with labels of cross_entropy") {
		t.Error(html)
	}
	p, ok := w.Requests[0].Model.Python()
	if !ok || !strings.HasPrefix(p.Source, "\nclass Net(nn.Module):\n") || !strings.Contains(p.Source, "nn.Linear(64, 10)") {
		t.Errorf("sent %q", p.Source)
	}
	if h := w.Requests[0].Hyperparameters; h.LossFunction != "cross_entropy" || *h.Seed != 7 {
		t.Errorf("%+v", h)
	}
	for name, args := range map[string]string{"runpod_train": "-d Xtrain,ytrain --dry-run", "runpod_sweep": "lr=[0.1,0.2] -d Xtrain,ytrain --method grid --dry-run"} {
		out, err := run(t, name, args, pythonNet, vars, false)
		if err != nil || len(w.Requests) != 1 || strings.Count(out.text(), "known when the worker has built the model") != 3 {
			t.Errorf("%s: %v, %d requests\n%s", name, err, len(w.Requests), out.text())
		}
	}
}

func TestCodeFile(t *testing.T) {
	vars := session(t)
	w := fakeEndpoint(t)
	withPython(t, "")
	if err := os.WriteFile("net.py", []byte(pythonNet), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --code net.py --epochs 1", "", vars, false); err != nil {
		t.Fatal(err)
	}
	if p, _ := w.Requests[0].Model.Python(); p.Source != pythonNet {
		t.Errorf("sent %q", p.Source)
	}
	for args, want := range map[string]string{
		"--code none.py":             "--code: open none.py",
		"--code net.py --model spec": "--model spec and --code net.py exclude each other",
	} {
		if _, err := run(t, "runpod_train", "-d Xtrain,ytrain "+args, "", vars, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	for _, body := range []string{"", "linear 3"} { // a sweep takes the file too, and never a body beside it
		_, err := run(t, "runpod_sweep", "lr=[0.1,0.2] -d Xtrain,ytrain --code net.py --dry-run", body, vars, false)
		if (err == nil) != (body == "") || err != nil && !strings.Contains(err.Error(), "--code net.py and a body exclude each other") {
			t.Errorf("a sweep with --code and the body %q: %v", body, err)
		}
	}
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --code net.py", "linear 3", vars, false); err == nil || !strings.Contains(err.Error(), "--code net.py and a body exclude each other") {
		t.Error(err)
	}
}

func TestPythonIsCheckedBeforeItIsSent(t *testing.T) {
	vars := session(t)
	w := fakeEndpoint(t)
	const fault = `{"line": 3, "message": "expected a colon", "text": "def forward(self, x)"}`
	own := "\ndef configure_optimizer(model):\n    return None\n"
	for _, c := range []struct{ answer, args, body, want string }{
		{fault, "", pythonNet, "line 3: expected a colon: def forward(self, x)"},
		{"", "--lr 0.1", pythonNet + own, "--lr: the body's function configure_optimizer sets it; leave one of them out"},
		{"", "--optimizer sgd", pythonNet + own, "--optimizer: the body's function configure_optimizer sets it"},
		{"", "", "import torch\n", "the Python body defines no model"},
		{"", "", "klass Net:", `line 1: unknown layer "klass"`},
	} {
		withPython(t, c.answer)
		if _, err := run(t, "runpod_train", "-d Xtrain,ytrain "+c.args, c.body, vars, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %s", c.args, c.body, err, c.want)
		}
	}
	if len(w.Requests) != 0 {
		t.Errorf("%d requests", len(w.Requests))
	}
	t.Setenv(python.EnvPython, "/does/not/exist")
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1", pythonNet, vars, false)
	if err != nil || !strings.Contains(out.stderr.String(), "advice: this machine has no Python") {
		t.Errorf("%v\n%s", err, out.text())
	}
}

// A real Python names the cell's own line.
func TestPythonSyntax(t *testing.T) {
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	t.Setenv(python.EnvPython, path)
	if _, err := python.Find(context.Background(), ""); err != nil {
		t.Skip(err)
	}
	vars := session(t)
	fakeEndpoint(t)
	_, err = run(t, "runpod_train", "-d Xtrain,ytrain", "class Net(nn.Module):\n    def forward(self, x)\n        return x\n", vars, false)
	if err == nil || !strings.HasPrefix(err.Error(), "line 3: expected ':': def forward(self, x)") {
		t.Error(err)
	}
}

func TestPythonWithoutPyTorch(t *testing.T) {
	vars := session(t)
	embedded(t)
	h := pytorch.Handler(pytorch.Options{Engine: engine.Handler(engine.Options{}), Source: func() (string, error) { return ".", nil }})
	s, err := local.Start(context.Background(), local.Options{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Setenv(train.EnvLocalURL, s.URL())
	t.Setenv(train.EnvLocalKey, s.Key())
	t.Setenv(python.EnvPython, "/does/not/exist")
	_, err = run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1", pythonNet, vars, false)
	if err == nil || !strings.Contains(err.Error(), "gopherpod install --torch") || !strings.Contains(err.Error(), "a RunPod endpoint needs nothing") {
		t.Error(err)
	}
}

func TestPythonSweep(t *testing.T) {
	vars := session(t)
	w := fakeEndpoint(t)
	withPython(t, "")
	body := strings.ReplaceAll(pythonNet, "10)", "$width)")
	if _, err := run(t, "runpod_sweep", "width=[10,12] -d Xtrain,ytrain --epochs 1 --seed 1 --method grid --workers 1", body, vars, false); err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, r := range w.Requests {
		p, _ := r.Model.Python()
		sources = append(sources, p.Source)
	}
	all, _ := json.Marshal(sources)
	if !strings.Contains(string(all), "nn.Linear(64, 10)") || !strings.Contains(string(all), "nn.Linear(64, 12)") {
		t.Errorf("%s", all)
	}
}
