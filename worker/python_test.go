package worker_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
)

const net = `
import math

class Block(nn.Module):
    pass

class Net(nn.Module):
    loss = 3

    def metrics(self):
        pass

def loss(outputs, targets):
    return F.cross_entropy(outputs, targets)

augment: object = print
`

func TestParsePython(t *testing.T) {
	m, err := worker.ParseModel(net)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := m.Python()
	if !ok || p.Source != net || p.Title() != "Python Net with its own loss, augment" || m.Title() != p.Title() {
		t.Errorf("%+v, %q", p, m.Title())
	}
	for name, want := range map[string]bool{"loss": true, "augment": true, "metrics": false, "configure_optimizer": false, "model": false, "Net": false} {
		if p.Defines(name) != want {
			t.Errorf("Defines(%q) = %v", name, !want)
		}
	}
	b, err := json.Marshal(m)
	if err != nil || !strings.HasPrefix(string(b), `{"type":"python","source":"\nimport math`) {
		t.Errorf("%s, %v", b, err)
	}
	var again worker.ModelConfig
	if err := json.Unmarshal(b, &again); err != nil || again.Title() != m.Title() {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestWhatIsPython(t *testing.T) {
	for body, want := range map[string]string{
		"class N(nn.Module):\n  pass":                             "python",
		"# a net\n\nimport torch\nclass N(torch.nn.Module): pass": "python",
		"@dataclass\nclass N(nn.Module): pass":                    "python",
		"def model():\n    return nn.Linear(4, 3)":                "python",
		"from torch import nn\nmodel = lambda: nn.Linear(4, 3)":   "python",
		"linear 4\nrelu":                    "sequential",
		"- type: linear\n  out_features: 3": "sequential",
		`{"layers": [{"type": "relu"}]}`:    "sequential",
		`{"type": "python", "source": "x"}`: "python",
		`{"type": "graph", "nodes": []}`:    "graph",
	} {
		m, err := worker.ParseModel(body)
		if err != nil || m.Type != want {
			t.Errorf("%q: %+v, %v", body, m, err)
		}
	}
}

func TestPythonWithoutAModel(t *testing.T) {
	for body, want := range map[string]string{
		"import torch\nx = 1":                         "defines no model",
		"def loss(a, b):\n    return 1":               "def model()",
		"import torch\n" + strings.Repeat("#", 1<<20): "the most is 1048576",
		"klass Net(nn.Module):":                       `unknown layer "klass"`,
	} {
		_, err := worker.ParseModel(body)
		var e *worker.Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, want) {
			t.Errorf("%.40q: %v", body, err)
		}
	}
	if _, ok := (&worker.ModelConfig{Type: "sequential"}).Python(); ok {
		t.Error("a list of layers is Python")
	}
}
