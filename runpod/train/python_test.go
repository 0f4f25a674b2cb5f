package train

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors/python"
)

const pythonNet = "class Net(nn.Module):\n    def forward(self, x):\n        return x\n"

// A Python that answers the check of a source as the test says.
func pythonThat(t *testing.T, answers string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python3")
	script := "#!/bin/sh\n[ \"$1\" = -c ] && { echo 3 12; exit; }\ncat >/dev/null\n" + answers + "\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(python.EnvPython, path)
}

func TestSyntaxCheck(t *testing.T) {
	for _, c := range []struct {
		answers string
		checked bool
		want    string
	}{
		{"", true, ""},
		{`echo '{"line": 2, "message": "invalid syntax", "text": "x = = 1"}'`, true, "line 2: invalid syntax: x = = 1"},
		{`echo '{"line": 2, "message": "source contains null bytes", "text": ""}'`, true, "line 2: source contains null bytes"},
		{"exit 1", false, ""},
		{"echo nonsense", false, ""},
	} {
		pythonThat(t, c.answers)
		checked, err := checkSyntax(pythonNet)
		if checked != c.checked || (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", c.answers, checked, err)
		}
	}
	t.Setenv(python.EnvPython, "/does/not/exist")
	if checked, err := checkSyntax(pythonNet); checked || err != nil {
		t.Error(checked, err)
	}
}

// A real Python parses the source, and runs nothing of it.
func TestSyntaxCheckRunsNothing(t *testing.T) {
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	t.Setenv(python.EnvPython, path)
	if _, err := python.Find(context.Background(), ""); err != nil {
		t.Skip(err)
	}
	sign := filepath.Join(t.TempDir(), "ran")
	if checked, err := checkSyntax("open(" + `"` + sign + `", "w")` + "\n" + pythonNet); !checked || err != nil {
		t.Error(checked, err)
	}
	if _, err := os.Stat(sign); err == nil {
		t.Error("the source has run")
	}
	if _, err := checkSyntax("x = 1\nif x\n"); err == nil || !strings.Contains(err.Error(), "line 2: expected ':': if x") {
		t.Error(err)
	}
}

func TestPythonLoss(t *testing.T) {
	pythonThat(t, "")
	own := Python(pythonNet + "def loss(outputs, targets):\n    return outputs.mean()\n")
	X := [][]float64{{1, 2}, {3, 4}}
	for _, c := range []struct {
		spec  Python
		y     any
		o     Options
		loss  string
		dtype string
	}{
		{Python(pythonNet), []int{0, 1}, Options{}, "cross_entropy", "int64[2]"},
		{own, []int{0, 1}, Options{}, "cross_entropy", "int64[2]"},
		{own, []string{"a", "b"}, Options{}, "cross_entropy", "int64[2]"},
		{own, []float64{0.5, -1}, Options{}, "mse", "float32[2]"},
		{own, [][]float64{{1, 2, 3}, {4, 5, 6}}, Options{}, "mse", "float32[2 3]"},
		{own, []int{-1, 1}, Options{Loss: "cross_entropy"}, "cross_entropy", "int64[2]"},
		{own, []int{0, 1}, Options{Loss: "bce_with_logits"}, "bce_with_logits", "int64[2]"},
	} {
		p, err := Prepare(c.spec, Data{X: X, Y: c.y}, c.o)
		if err != nil {
			t.Errorf("%v: %v", c.y, err)
			continue
		}
		if got := p.parcel.Set["y"].String(); p.Hyperparameters.LossFunction != c.loss || got != c.dtype {
			t.Errorf("%v: %s, %s", c.y, p.Hyperparameters.LossFunction, got)
		}
	}
	if _, err := Prepare(Python(pythonNet), Data{X: X, Y: []float64{0.5, 1}}, Options{}); err == nil || !strings.Contains(err.Error(), "there is the loss mse") {
		t.Error(err)
	}
}

func TestPythonFeatures(t *testing.T) {
	pythonThat(t, "")
	for _, c := range []struct {
		x    any
		want string
	}{{[][]int{{1, 2}, {3, 4}}, "int64[2 2]"}, {[][]float64{{1, 2}, {3, 4}}, "float32[2 2]"}} {
		p, err := Prepare(Python(pythonNet), Data{X: c.x, Y: []int{0, 1}}, Options{})
		if err != nil || p.parcel.Set["X"].String() != c.want || p.Output != nil || p.Parameters != 0 {
			t.Errorf("%v: %v, %v", c.x, p, err)
		}
	}
}
