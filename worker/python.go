package worker

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A PythonModel is a model as Python source, which a PyTorch worker runs if its operator
// allows code. The model is what Class names, else what the function model returns, else an
// instance of the last class that derives from nn.Module. The source may use torch, nn and
// F without importing them. A training also uses these functions, if the source has them:
//
//	loss(outputs, targets)        the loss, a tensor with one number
//	metrics(outputs, targets)     a dict of numbers, measured on validation data
//	augment(batch, generator)     the samples of a training batch, changed
//	configure_optimizer(model)    a torch.optim.Optimizer, with groups of its own
type PythonModel struct {
	Source string         `json:"source"`
	Class  string         `json:"class,omitempty"` // or a function's name
	Args   map[string]any `json:"args,omitempty"`  // of the class or function
}

// Config returns the model as it travels.
func (p PythonModel) Config() (*ModelConfig, error) {
	raw, err := json.Marshal(struct {
		Type string `json:"type"`
		PythonModel
	}{contract.ModelPython, p})
	if err != nil {
		return nil, Invalid("args", err.Error())
	}
	return &ModelConfig{Type: contract.ModelPython, Other: raw}, nil
}

// Python returns the Python model of m; ok is false if m is of another type.
func (m *ModelConfig) Python() (p PythonModel, ok bool) {
	if m == nil || m.Type != contract.ModelPython {
		return p, false
	}
	return p, json.Unmarshal(m.Other, &p) == nil
}

// definition matches what a line at the left margin defines: a class or a function, or a
// name that gets a value.
var definition = regexp.MustCompile(`(?m)^(?:(class|def)[ \t]+([A-Za-z_]\w*)|([A-Za-z_]\w*)[ \t]*(?::[^=\n]*)?=[^=])`)

// Defines reports whether the source defines a function or variable with that name at its
// left margin. It reads the text without Python, so a name within a long string counts too.
func (p PythonModel) Defines(name string) bool {
	return slices.ContainsFunc(definition.FindAllStringSubmatch(p.Source, -1), func(d []string) bool {
		return d[1] != "class" && d[2] == name || d[3] == name
	})
}

// Title names the model in a line: its class, its lines and its functions.
func (p PythonModel) Title() string {
	var classes, extras []string
	for _, d := range definition.FindAllStringSubmatch(p.Source, -1) {
		if d[1] == "class" {
			classes = append(classes, d[2])
		}
	}
	for _, name := range PythonFunctions() {
		if p.Defines(name) {
			extras = append(extras, name)
		}
	}
	title := "Python"
	switch {
	case p.Class != "":
		title += " " + p.Class
	case p.Defines("model"):
		title += " model()"
	case len(classes) > 0:
		title += " " + classes[len(classes)-1]
	}
	if len(extras) > 0 {
		title += " with its own " + strings.Join(extras, ", ")
	}
	return title
}

// PythonFunctions lists the functions beside the model that a training uses.
func PythonFunctions() []string {
	return []string{"loss", "metrics", "augment", "configure_optimizer"}
}

// pythonLine matches a line that only Python can begin with.
var pythonLine = regexp.MustCompile(`^(class|def|async[ \t]+def)[ \t]+[A-Za-z_]\w*[ \t]*[(:\[]|^import[ \t]+[A-Za-z_]|^from[ \t]+[\w.]+[ \t]+import\b|^@[A-Za-z_]|^("""|''')`)

// IsPython reports whether a body is Python: a line at its left margin defines a class or a
// function, or imports something. No line of the other forms does.
func IsPython(text string) bool {
	for line := range strings.Lines(text) {
		if pythonLine.MatchString(line) {
			return true
		}
	}
	return false
}

// ParsePython reads a model as Python source. Whether the source is right is known to Python
// alone, except that it has to define a model.
func ParsePython(source string) (*ModelConfig, error) {
	p := PythonModel{Source: source}
	if n := len(source); n > maxSource {
		return nil, Invalid("model", fmt.Sprintf("the Python source has %d bytes; the most is %d", n, maxSource))
	}
	if !p.Defines("model") && !strings.Contains("\n"+source, "\nclass ") {
		return nil, Invalid("model", "the Python body defines no model: write a class that derives from nn.Module, or def model() that returns one")
	}
	return p.Config()
}

// maxSource is the largest source that a worker takes, in bytes.
const maxSource = 1 << 20
