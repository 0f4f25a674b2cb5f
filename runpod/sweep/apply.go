package sweep

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// apply puts a point into the options and the text of the model.
func apply(spec any, o train.Options, p Point) (any, train.Options, error) {
	text, isText := "", true
	switch s := spec.(type) {
	case train.Layers:
		text = string(s)
	case string:
		text = s
	default:
		isText = false
	}
	if v, ok := p["optimizer"]; ok {
		o.Optimizer = fmt.Sprint(v)
	}
	for name, v := range p {
		if _, varied := p["optimizer"]; varied && unused(o, name) {
			continue // a sweep over optimizers leaves out what this one does not use
		}
		if done, err := setOption(&o, name, v); err != nil {
			return nil, o, err
		} else if done {
			continue
		}
		replaced, n := replaceName(text, name, fmt.Sprint(v))
		if n == 0 {
			return nil, o, unknownDimension(name)
		}
		text = replaced
	}
	if isText {
		spec = train.Layers(text)
	}
	return spec, o, nil
}

func unknownDimension(name string) error {
	known := []string{"lr", "batch_size", "epochs", "optimizer", "weight_decay", "momentum", "clip_norm", "label_smoothing"}
	text := fmt.Sprintf("%s is no option that can vary, and the model has no $%s", name, name)
	if near := worker.Nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	return worker.Invalid("space", text)
}

// replaceName replaces $name and ${name} in text.
func replaceName(text, name, value string) (string, int) {
	n := strings.Count(text, "${"+name+"}")
	text = strings.ReplaceAll(text, "${"+name+"}", value)
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "$"+name)
		b.WriteString(before)
		if !ok {
			return b.String(), n
		}
		if r := strings.IndexFunc(after, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }); after == "" || r == 0 {
			b.WriteString(value)
			n++
		} else {
			b.WriteString("$" + name) // a longer name
		}
		text = after
	}
}

// unused reports whether the optimizer of o does not use the hyperparameter.
func unused(o train.Options, name string) bool {
	h := worker.Hyperparameters{Optimizer: o.Optimizer, LossFunction: o.Loss}
	return h.Unused(name) != ""
}

// setOption sets the option of that name; done is false if there is none.
func setOption(o *train.Options, name string, v any) (done bool, err error) {
	numbers := map[string]*train.Number{
		"lr": &o.LearningRate, "weight_decay": &o.WeightDecay, "momentum": &o.Momentum,
		"clip_norm": &o.ClipNorm, "label_smoothing": &o.LabelSmoothing,
	}
	counts := map[string]*train.Number{"batch_size": &o.BatchSize, "epochs": &o.Epochs}
	if field, ok := numbers[name]; ok {
		if math.IsNaN(asFloat(v)) {
			return true, worker.Invalid("space", fmt.Sprintf("%s is %v, wants a number", name, v))
		}
		*field = asFloat(v)
		return true, nil
	}
	if field, ok := counts[name]; ok {
		n, ok := v.(int)
		if !ok || n < 1 {
			return true, worker.Invalid("space", fmt.Sprintf("%s is %v, wants a whole number above 0", name, v))
		}
		*field = n
		return true, nil
	}
	return name == "optimizer", nil // apply has set that
}
