package sweep

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// apply puts a point into the options and the text of the model.
func apply(spec any, o train.Options, p Point) (any, train.Options, error) {
	text, isText := "", true
	source, isPython := spec.(train.Python)
	switch s := spec.(type) {
	case train.Python:
		text = string(source)
	case train.Layers:
		text = string(s)
	case string:
		text = s
	default:
		isText = false
	}
	if v, ok := p["optimizer"]; ok {
		o.Optimizer = fmt.Sprint(v)
		var err error
		if o, err = leaveOut(o); err != nil {
			return nil, o, err
		}
	}
	left := unused(o, p)
	for name, v := range p {
		if slices.Contains(left, name) {
			continue
		}
		row, known := dimensionRow(name)
		replaced, n := replaceName(text, name, fmt.Sprint(v))
		switch {
		case known && (n == 0 || !isPython && (row.Type == contract.Choice || o.Number(row.Name) != nil)):
			// an option; if it has no field, such as alpha, $alpha in the model has priority, and in
			// Python, which may make its own optimizer, any name has
			if err := setOption(&o, row, name, v); err != nil {
				return nil, o, err
			}
		case n == 0:
			return nil, o, unknownDimension(name)
		default:
			text = replaced
		}
	}
	switch {
	case isPython:
		spec = train.Python(text)
	case isText:
		spec = train.Layers(text)
	}
	return spec, o, nil
}

// DimensionNames lists the names of the options that a sweep can vary: the names of
// the contract's rows, but lr for learning_rate.
func DimensionNames() []string {
	var names []string
	for _, row := range contract.Hyperparameters() {
		if row.Varies {
			names = append(names, dimensionName(row))
		}
	}
	return names
}

// dimensionName returns the name of the row's option as people write it in a space, or
// the row's name if it has no option.
func dimensionName(row contract.Hyperparameter) string {
	return cmp.Or(strings.ReplaceAll(row.Option, "-", "_"), row.Name)
}

// dimensionRow returns the row of the option that a sweep varies under that name.
func dimensionRow(name string) (contract.Hyperparameter, bool) {
	row, ok := rowCalled(name)
	return row, ok && row.Varies
}

// rowCalled returns the row that has that name, or whose option has it.
func rowCalled(name string) (contract.Hyperparameter, bool) {
	if row, ok := contract.LookupHyperparameter(name); ok {
		return row, true
	}
	if rows := contract.OfOption(strings.ReplaceAll(name, "_", "-")); len(rows) == 1 {
		return rows[0], true
	}
	return contract.Hyperparameter{}, false
}

func unknownDimension(name string) error {
	if incomparable(name) {
		return worker.Invalid("space", fmt.Sprintf("%s cannot vary: it changes what the loss measures, so trials could not be compared by it; train each by itself, and compare the models with runpod_compare", name))
	}
	text := fmt.Sprintf("%s is no option that can vary, and the model has no $%s", name, name)
	if near := worker.Nearest(name, DimensionNames()); near != "" {
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
			b.WriteString("$" + name) // the start of a longer name
		}
		text = after
	}
}

// unused lists the dimensions of p that its optimizer does not use, sorted. A sweep that
// varies the optimizer leaves them out; if the optimizer is fixed, they are a mistake,
// which the check of the hyperparameters reports.
func unused(o train.Options, p Point) []string {
	optimizer, varied := p["optimizer"]
	if !varied {
		return nil
	}
	h := worker.Hyperparameters{Optimizer: fmt.Sprint(optimizer), LossFunction: o.Loss}
	var names []string
	for name := range p {
		if row, ok := dimensionRow(name); ok && h.Unused(row.Name) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// setOption sets the option of a row to a value of the dimension called name.
func setOption(o *train.Options, row contract.Hyperparameter, name string, v any) error {
	switch row.Type {
	case contract.Choice:
		return nil // the optimizer, which apply has already set
	case contract.Integer:
		if n, ok := v.(int); !ok || !row.Range.ContainsInt(int64(n)) {
			return worker.Invalid("space", fmt.Sprintf("%s is %v, wants a whole number, %s", name, v, row.Range))
		}
	default:
		f := asFloat(v)
		if math.IsNaN(f) {
			return worker.Invalid("space", fmt.Sprintf("%s is %v, wants a number", name, v))
		}
		if !row.Range.Contains(f) {
			return worker.Invalid("space", fmt.Sprintf("%s is %v, wants %s", name, v, row.Range))
		}
		v = f
	}
	if f := o.Number(row.Name); f != nil {
		*f = v
		return nil
	}
	h := &worker.Hyperparameters{} // a copy, because all trials share the given one
	if o.Hyperparameters != nil {
		h.Over(o.Hyperparameters)
	}
	o.Hyperparameters = h
	return h.Give(row.Name, v)
}
