package worker

import (
	"fmt"
	"slices"
	"strings"
)

// args are the parameters of one layer while its sizes are inferred.
type args struct {
	kind  *Kind
	layer *Layer // a copy that infer may fill
	label string // "layer 3 (linear)"
	from  string // what gives the input: "the data gives", "layer 2 (relu) gives"
	// flat takes an unknown input for one of rows without further dimensions.
	flat bool
}

func (a *args) value(name string) any {
	if v, ok := a.layer.Params[name]; ok {
		return v
	}
	if p, ok := a.kind.Param(name); ok {
		return p.Default
	}
	return nil
}

func (a *args) has(name string) bool { return a.value(name) != nil }

func (a *args) int(name string) int {
	n, _ := a.value(name).(int)
	return n
}

func (a *args) bool(name string) bool {
	b, _ := a.value(name).(bool)
	return b
}

func (a *args) text(name string) string {
	s, _ := a.value(name).(string)
	return s
}

// ints returns a number for each of the layer's dimensions; one number stands for all of
// them.
func (a *args) ints(name string) ([]int, error) {
	dims := a.kind.Dims
	switch v := a.value(name).(type) {
	case int:
		return slices.Repeat([]int{v}, dims), nil
	case []int:
		if len(v) == 1 {
			return slices.Repeat(v, dims), nil
		}
		if len(v) != dims {
			return nil, a.misfit(name, "%s has %d numbers, wants 1 or %d", name, len(v), dims)
		}
		return v, nil
	}
	return nil, a.misfit(name, "%s is missing", name)
}

// misfit is an error about this layer; param may be "".
func (a *args) misfit(param, format string, values ...any) error {
	return Invalid(param, a.label+": "+fmt.Sprintf(format, values...))
}

// infer fills the parameter called name with what the input has, or checks that
// it is that. A got of 0 is not known.
func (a *args) infer(name string, got int) error {
	given, ok := a.layer.Params[name].(int)
	switch {
	case got == 0 && !ok:
		return a.misfit(name, "%s is not given, and the size of the input is not known", name)
	case got == 0:
		return nil
	case !ok:
		a.layer.Params[name] = got
		return nil
	case given != got:
		return a.misfit(name, "%s %d, but %s %d", name, given, a.from, got)
	}
	return nil
}

// want checks the number of dimensions without the batch; names say which.
func (a *args) want(in []int, names ...string) error {
	if in == nil || len(in) == len(names) {
		return nil
	}
	hint := ""
	if len(in) == 1 && len(names) > 1 {
		hint = "; a reshape before it helps"
	}
	return a.misfit("", "wants [%s], but %s %s%s", strings.Join(names, ", "), a.from, Sizes(in), hint)
}

// Sizes writes a shape for a person: "[1, 28, 28]".
func Sizes(shape []int) string {
	if shape == nil {
		return "an unknown shape"
	}
	words := make([]string, len(shape))
	for i, n := range shape {
		words[i] = fmt.Sprint(n)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func last(in []int) int {
	if len(in) == 0 {
		return 0
	}
	return in[len(in)-1]
}

func first(in []int) int {
	if len(in) == 0 {
		return 0
	}
	return in[0]
}

// withLast is in with its last size replaced.
func withLast(in []int, n int) []int {
	if len(in) == 0 {
		return []int{n}
	}
	return append(slices.Clone(in[:len(in)-1]), n)
}

// rows is the shape of what works on the last dimension alone.
func (a *args) rows(in []int, n int) []int {
	if in == nil && !a.flat {
		return nil
	}
	return withLast(in, n)
}

// Elements returns the product of the sizes; ok is false if it is above 2^40,
// more than any machine holds.
func Elements(shape []int) (n int, ok bool) {
	n = 1
	for _, s := range shape {
		if s < 0 || (s > 0 && n > (1<<40)/s) {
			return 0, false
		}
		n *= s
	}
	return n, true
}

// same is the shape function of what works on each element.
func same(_ *args, in []int) ([]int, error) { return in, nil }

var spatial = [3][]string{{"channels", "length"}, {"channels", "height", "width"}, {"channels", "depth", "height", "width"}}
