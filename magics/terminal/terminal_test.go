package terminal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// workplace changes to a folder with data and a specification, and starts the
// embedded endpoint.
func workplace(t *testing.T) {
	t.Helper()
	s, err := local.Start(context.Background(), local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Chdir(t.TempDir())
	for _, name := range []string{"RUNPOD_API_KEY", "RUNPOD_ENDPOINT_ID", "RUNPOD_ENDPOINT_BASE_URL", runs.EnvURL} {
		t.Setenv(name, "")
	}
	t.Setenv(train.EnvLocalURL, s.URL())
	t.Setenv(train.EnvLocalKey, s.Key())
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("a,b,species\n")
	for i := range 90 {
		fmt.Fprintf(&b, "%.3f,%.3f,%s\n", float64(i%3)*2+r.NormFloat64()/3, -float64(i%3)+r.NormFloat64()/3, []string{"setosa", "versicolor", "virginica"}[i%3])
	}
	write(t, "iris.csv", b.String())
	write(t, "net.py", "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.out = nn.Linear(2, 3)\n")
	write(t, "net.yaml", "layers:\n  - {type: linear, out_features: 16}\n  - {type: relu}\n  - {type: linear, out_features: 3}\n")
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// do runs a command line.
func do(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := Program{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, begin: func(context.Context) ([]string, func(), error) { return nil, func() {}, nil }}
	code = p.Run(ctx, args)
	return code, out.String(), errs.String()
}

func TestTrainEvalPredict(t *testing.T) {
	workplace(t)
	ctx := t.Context()
	code, out, errs := do(ctx, "train", "net.yaml", "-d", "iris.csv", "--target", "species", "--epochs", "60", "--lr", "0.02", "--seed", "1", "-o", "net.safetensors")
	var a trained
	if err := json.Unmarshal([]byte(out), &a); err != nil || code != OK || a.Epochs != 60 || a.File != "net.safetensors" || a.Last == nil || a.Parameters != 99 {
		t.Fatalf("%d, %v\n%s\n%s", code, err, out, errs)
	}
	if !strings.Contains(errs, "epoch 60/60") {
		t.Errorf("progress:\n%s", errs)
	}
	code, out, errs = do(ctx, "eval", "net.safetensors", "-d", "iris.csv", "--target", "species")
	var e struct {
		Samples int
		Metrics struct{ Accuracy float64 }
		Classes []string
	}
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != OK || e.Samples != 90 || e.Metrics.Accuracy < 0.9 || len(e.Classes) != 3 {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, errs)
	}
	code, out, errs = do(ctx, "predict", "net.safetensors", "-d", "iris.csv", "--columns", "a,b", "--labels")
	var names []string
	if err := json.Unmarshal([]byte(out), &names); err != nil || code != OK || len(names) != 90 || names[0] != "setosa" {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, errs)
	}
	code, out, errs = do(ctx, "predict", "net.safetensors", "-d", "iris.csv", "--columns", "a,b", "--proba", "-o", "p.json")
	var rows [][]float64
	b, _ := os.ReadFile("p.json")
	if err := json.Unmarshal(b, &rows); err != nil || code != OK || len(rows) != 90 || len(rows[0]) != 3 || !strings.Contains(out, `"rows":90`) {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, errs)
	}
	code, out, errs = do(ctx, "train", "--from", "net.safetensors", "-d", "iris.csv", "--target", "species", "--epochs", "5", "-o", "more.onnx", "-q")
	if _, err := os.Stat("more.onnx"); err != nil || code != OK || !strings.Contains(out, `"start_epoch":60`) {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, errs)
	}
	code, out, errs = do(ctx, "sweep", "net.yaml", "lr=log(1e-3,1e-1)", "-d", "iris.csv", "--target", "species", "--val-split", "0.2", "--trials", "3", "--epochs", "5", "--seed", "1", "-o", "best.safetensors")
	if _, err := os.Stat("best.safetensors"); err != nil || code != OK {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, errs)
	}
}

func TestExitCodes(t *testing.T) {
	workplace(t)
	if err := os.Mkdir("taken.onnx", 0o755); err != nil {
		t.Fatal(err)
	}
	data := []string{"-d", "iris.csv", "--target", "species"}
	for want, lines := range map[int][][]string{
		OK: {{"train", "--help"}, {"eval", "-h"}, append([]string{"train", "net.yaml", "--dry-run"}, data...),
			append([]string{"train", "--code", "net.py", "--dry-run"}, data...), append([]string{"sweep", "lr=[0.1,0.2]", "--code", "net.py", "--dry-run"}, data...)},
		Usage: {{"train"}, append([]string{"train", "net.yaml", "--max-cost", "0"}, data...), append([]string{"train", "/dev/zero"}, data...), append([]string{"train", "--code", "/dev/zero"}, data...), append([]string{"train", "net.yaml", "--code", "net.py"}, data...), append([]string{"train", "nothing.yaml"}, data...), {"train", "net.yaml", "--epohcs", "3"}, {"train", "net.yaml", "-d", "none.csv", "--target", "x"}, {"eval", "net.yaml"}, {"train", "net.yaml", "-o"},
			append([]string{"train", "net.yaml", "-o", "none/x.onnx"}, data...), append([]string{"train", "net.yaml", "-o", "x.model"}, data...)},
		Failed: {append([]string{"train", "net.yaml", "--optimizer", "sgd", "--lr", "1e30", "--epochs", "50", "-q"}, data...),
			append([]string{"train", "net.yaml", "--epochs", "1", "-q", "-o", "taken.onnx"}, data...)},
	} {
		for _, line := range lines {
			if code, out, errs := do(t.Context(), line...); code != want {
				t.Errorf("%q: exit code %d, want %d\n%s\n%s", line, code, want, out, errs)
			} else if strings.Contains(errs, "%runpod") || strings.Contains(out, "%runpod") {
				t.Errorf("%q talks of magics:\n%s\n%s", line, out, errs)
			}
		}
	}
	if _, err := train.Load("taken.safetensors"); err != nil { // a model that could not be written as asked for is not lost
		t.Error(err)
	}
	t.Setenv(train.EnvLocalURL, "http://127.0.0.1:1")
	if code, _, errs := do(t.Context(), append([]string{"train", "net.yaml", "-q"}, data...)...); code != Unreachable {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestInterrupt: the job is cancelled, and the file has the weights so far.
func TestInterrupt(t *testing.T) {
	workplace(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	code, out, errs := do(ctx, "train", "net.yaml", "-d", "iris.csv", "--target", "species", "--epochs", "100000000", "-o", "cut.safetensors")
	m, err := train.Load("cut.safetensors")
	if code != Interrupted || err != nil || m.Epochs == 0 || strings.Count(errs, "is cancelled") != 1 {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, errs)
	}
}

// TestSignals: the first signal, SIGTERM too, ends the context of a command, such as one that reads a file; the
// second ends its wait for weights.
func TestSignals(t *testing.T) {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{}
	ctx, stop := p.interruptible(t.Context())
	defer stop()
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if got := context.Cause(ctx); got != errInterrupted {
		t.Errorf("the context ends with %v, want %v", got, errInterrupted)
	}
	if err := self.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-p.again
}

// TestTimeLimit: the training ends in time, with an exit code of its own, and the file has
// the weights.
func TestTimeLimit(t *testing.T) {
	workplace(t)
	code, out, errs := do(t.Context(), "train", "net.yaml", "-d", "iris.csv", "--target", "species", "--epochs", "100000000", "--timeout", "5s", "-o", "limit.safetensors")
	m, err := train.Load("limit.safetensors")
	if code != Overtime || err != nil || m.Epochs == 0 || !strings.Contains(errs, "Stopped at the limit (--timeout 5s) after epoch ") {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, errs)
	}
}

func TestComplete(t *testing.T) {
	complete := func(words []string) []string {
		code, out, errs := do(t.Context(), append([]string{"__complete"}, words...)...)
		if code != OK {
			t.Errorf("%q: %d, %s", words, code, errs)
		}
		return strings.Fields(out)
	}
	for line, want := range map[string]string{
		"tr": "train", "": "doctor", "train net.yaml --opti": "--optimizer", "train net.yaml --optimizer adam": "adamw", "runs --state op": "open", "eval -": "--data",
	} {
		if got := complete(strings.Split(line, " ")); !slices.Contains(got, want) {
			t.Errorf("%q: %q", line, got)
		}
	}
	if got := complete([]string{"doctor", "x"}); len(got) > 0 {
		t.Error(got)
	}
	if _, err := script("tcsh"); err == nil {
		t.Error("a script for tcsh")
	}
}

// TestBash: bash itself completes with our script.
func TestBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	dir := t.TempDir()
	text, err := script("bash")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "gopherpod"), []byte("#!/bin/sh\n[ \"$1\" = __complete ] && printf 'train\\ntrial\\n'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(bash, "-c", text+"\nCOMP_WORDS=(gopherpod tr) COMP_CWORD=1; _gopherpod; echo \"${COMPREPLY[@]}\"; complete -p gopherpod")
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	b, err := c.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(b), "train trial\ncomplete ") {
		t.Errorf("%v, %s", err, b)
	}
}
