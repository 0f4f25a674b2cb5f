package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"github.com/gopherpod/gopherpod/tensors/python"
	"github.com/gopherpod/gopherpod/worker"
)

// Python is a model as Python source (see worker.PythonModel): a class that derives from
// nn.Module, or def model(), and beside it loss, metrics, augment and configure_optimizer.
//
//	class Net(nn.Module):
//	    def __init__(self):
//	        super().__init__()
//	        self.out = nn.Linear(4, 3)
//	    def forward(self, x):
//	        return self.out(x)
type Python string

// ownLoss reports whether the model brings its own loss, so that the loss function only says
// what the labels are.
func ownLoss(m *worker.ModelConfig) bool {
	p, ok := m.Python()
	return ok && p.Defines("loss")
}

// resolve is ModelConfig.Resolve, but it returns a model whose shapes only its worker knows as
// it is, without an output.
func resolve(m *worker.ModelConfig, input []int) (*worker.ModelConfig, []int, error) {
	if m != nil && m.Other != nil {
		return m, nil, nil
	}
	return m.Resolve(input)
}

// ofPython completes and checks the options for a model in Python: a hyperparameter that one
// of the body's functions stands for must not be given besides.
func (o Options) ofPython(p worker.PythonModel, labels any) (Options, error) {
	given, err := o.own()
	if err != nil {
		return o, err
	}
	if p.Defines("configure_optimizer") {
		for _, name := range []string{"optimizer", "learning_rate", "weight_decay", "momentum"} {
			if given.Has(name) {
				return o, worker.Invalid(name, "the body's function configure_optimizer sets it; leave one of them out")
			}
		}
	}
	if p.Defines("loss") && !given.Has("loss_function") && o.From == nil {
		o.Loss = lossFor(labels)
	}
	return o, nil
}

// lossFor returns the loss function whose labels are of that kind: cross_entropy for texts and
// whole numbers, one a sample; mse for others. A model with a loss of its own needs it for
// nothing else.
func lossFor(labels any) string {
	if p, ok := labels.(*prepared); ok {
		labels = p.value
	}
	if _, texts := textsOf(labels); texts {
		return "cross_entropy"
	}
	t, err := tensors.From(labels)
	if err != nil || t.Cols() != 1 || t.DType.IsFloat() {
		return "mse"
	}
	return "cross_entropy"
}

// ownLabels converts labels for a model with a loss of its own, which may have any shape:
// whole numbers to int64, others to float32.
func ownLabels(name string, t tensors.Tensor, loss string, output []int) (tensors.Tensor, error) {
	if worker.ClassLabels(loss) {
		if classes, err := classLabels(name, t, loss, output); err == nil {
			return classes, nil
		}
	}
	return plainNumbers(name, t)
}

// plainNumbers converts whole numbers to int64 and others to float32.
func plainNumbers(name string, t tensors.Tensor) (tensors.Tensor, error) {
	if t.DType.IsFloat() {
		return convert(name, t, tensors.Float32, "")
	}
	return convert(name, t, tensors.Int64, "")
}

// syntaxTime is how long the check of a source may take. It normally takes 30 ms.
const syntaxTime = 10 * time.Second

// syntaxCode parses the source on standard input, without running it.
const syntaxCode = `import ast, json, sys
try:
    ast.parse(sys.stdin.buffer.read())
except (SyntaxError, ValueError) as e:
    print(json.dumps({"line": getattr(e, "lineno", 0) or 0, "message": getattr(e, "msg", str(e)), "text": (getattr(e, "text", "") or "").strip()}))`

// checkSyntax looks for syntax errors in a source with the Python of this machine; nothing of
// the source runs. checked is false if there is no Python that is new enough.
func checkSyntax(source string) (checked bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), syntaxTime)
	defer cancel()
	path, err := python.Find(ctx, "")
	if err != nil {
		return false, nil
	}
	cmd := exec.CommandContext(ctx, path, "-I", "-S", "-c", syntaxCode)
	cmd.Stdin, cmd.WaitDelay = strings.NewReader(source), time.Second
	out, err := cmd.Output()
	if err != nil {
		return false, nil
	}
	if len(bytes.TrimSpace(out)) == 0 {
		return true, nil
	}
	var e struct {
		Line          int
		Message, Text string
	}
	if json.Unmarshal(out, &e) != nil {
		return false, nil
	}
	text := fmt.Sprintf("line %d: %s", e.Line, e.Message)
	if e.Text != "" {
		text += ": " + printable.Text(e.Text)
	}
	return true, worker.Invalid("model", text)
}

// unchecked is said before a source is sent whose syntax nothing has checked.
const unchecked = "this machine has no Python 3.11 or newer to check the body with, so its worker would be the first to find a mistake in it"
