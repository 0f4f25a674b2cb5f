package worker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A StateTensor is one entry of a model's state_dict.
type StateTensor struct {
	Name   string // PyTorch's, "0.weight"
	Shape  []int
	Buffer bool // not trained: running figures
	Int64  bool // else float32
}

func param(name string, shape ...int) StateTensor { return StateTensor{Name: name, Shape: shape} }

// A Step is one layer of a resolved model.
type Step struct {
	Kind    *Kind
	Layer   Layer
	In, Out []int // shapes without the batch; nil: not known
	// State lists the layer's own parameters and buffers with their full names;
	// those of the layers of residuals and branches are in their steps.
	State []StateTensor
	// Inner holds the lists of layers within: of residual the layers and, if any,
	// the shortcut; of branches each branch.
	Inner [][]Step
}

// Resolve fills in the sizes that follow from the input, checks that all sizes
// fit, and returns the completed model and the shape of its output (nil: not
// known). Input is the shape of a sample, without the batch; nil: not known, and
// the first layer has to give its sizes, and its input is assumed to be plain rows. The
// receiver is not changed. Errors say which layer and which sizes.
func (m *ModelConfig) Resolve(input []int) (*ModelConfig, []int, error) {
	steps, out, err := m.Steps(input)
	if err != nil {
		return nil, nil, err
	}
	return &ModelConfig{Type: "sequential", Layers: layersOf(steps)}, out, nil
}

// Steps is Resolve with the shapes at each layer, for code that builds the model.
func (m *ModelConfig) Steps(input []int) ([]Step, []int, error) {
	if m != nil && m.Other != nil {
		return nil, nil, &Error{Kind: ErrUnsupported, Field: "model_config.type", Message: fmt.Sprintf("a model of type %q is built by the PyTorch worker alone", m.Type)}
	}
	if m == nil || len(m.Layers) == 0 {
		return nil, nil, Invalid("model_config", "the model has no layers")
	}
	for _, n := range input {
		if n < 1 {
			return nil, nil, Invalid("model_config", fmt.Sprintf("the data has shape %s after the batch; there is nothing to compute", Sizes(input)))
		}
	}
	return m.steps(input, resolver{flat: true})
}

func (m *ModelConfig) steps(input []int, r resolver) ([]Step, []int, error) {
	steps, out, err := r.list(m.Layers, input, "the data gives", "", "", 0)
	return steps, out, at("model_config", at("layers", err))
}

// Parameters is how many numbers the resolved model trains.
func (m *ModelConfig) Parameters() (int, error) {
	state, err := m.State()
	n := 0
	for _, t := range state {
		if e, ok := Elements(t.Shape); ok && !t.Buffer {
			n += e
		}
	}
	return n, err
}

// State lists the model's state_dict in PyTorch's order: the names are the
// indices of the layers, "0.weight", within residuals "1.layers.0.weight". The
// model has to be resolved, or have all its sizes written.
func (m *ModelConfig) State() ([]StateTensor, error) {
	if m.Other != nil {
		_, _, err := m.Steps(nil)
		return nil, err
	}
	steps, _, err := m.steps(nil, resolver{})
	return StateOf(steps), err
}

// StateOf lists the state of steps in order.
func StateOf(steps []Step) []StateTensor {
	var s []StateTensor
	for _, step := range steps {
		s = append(s, step.State...)
		for _, inner := range step.Inner {
			s = append(s, StateOf(inner)...)
		}
	}
	return s
}

type resolver struct {
	layers, numbers int  // so far, against a model that is all size
	flat            bool // see args
}

// list resolves layers one after the other. from names what gives the input,
// number is the count of the layer around ("4." in "layer 4.1"), prefix the
// state names' ("3.layers.").
func (r *resolver) list(layers []Layer, in []int, from, number, prefix string, depth int) ([]Step, []int, error) {
	if depth > maxDepth {
		return nil, nil, Invalid("", fmt.Sprintf("layers within layers, more than %d deep", maxDepth))
	}
	steps := make([]Step, len(layers))
	for i, l := range layers {
		if r.layers++; r.layers > maxLayers {
			return nil, nil, Invalid("", fmt.Sprintf("more than %d layers", maxLayers))
		}
		label := fmt.Sprintf("layer %s%d (%s)", number, i+1, l.Type)
		step, err := r.layer(l, in, from, label, number+fmt.Sprint(i+1), fmt.Sprintf("%s%d.", prefix, i), depth)
		if err != nil {
			return nil, nil, at(fmt.Sprintf("[%d]", i), err)
		}
		steps[i], in, from = step, step.Out, label+" gives"
	}
	return steps, in, nil
}

func (r *resolver) layer(l Layer, in []int, from, label, number, prefix string, depth int) (Step, error) {
	kind, ok := LookupKind(l.Type)
	if !ok {
		return Step{}, unknownLayer(l.Type)
	}
	l.Params = maps.Clone(l.Params)
	if l.Params == nil {
		l.Params = map[string]any{}
	}
	if err := l.typed(kind); err != nil {
		return Step{}, err
	}
	a := &args{kind: kind, layer: &l, label: label, from: from, flat: r.flat}
	step := Step{Kind: kind, In: in}
	var err error
	switch l.Type {
	case "residual":
		step.Out, err = r.residual(a, &step, number, prefix, depth)
	case "branches":
		step.Out, err = r.branches(a, &step, number, prefix, depth)
	default:
		step.Out, err = kind.shape(a, in)
	}
	if err != nil {
		return Step{}, err
	}
	step.Layer = l
	if _, ok := Elements(step.Out); !ok {
		return Step{}, a.misfit("", "its output %s is too large", Sizes(step.Out))
	}
	if kind.state != nil {
		for _, t := range kind.state(a) {
			n, ok := Elements(t.Shape)
			if r.numbers += n; !ok || r.numbers > 1<<40 {
				return Step{}, a.misfit("", "%s %s is too large", t.Name, Sizes(t.Shape))
			}
			t.Name = prefix + t.Name
			step.State = append(step.State, t)
		}
	}
	return step, nil
}

func (r *resolver) residual(a *args, step *Step, number, prefix string, depth int) ([]int, error) {
	inner, _ := a.value("layers").([]Layer)
	main, out, err := r.list(inner, step.In, a.from, number+".", prefix+"layers.", depth+1)
	if err != nil {
		return nil, at("layers", err)
	}
	step.Inner = [][]Step{main}
	around, way := step.In, "its input is"
	if cut, ok := a.value("shortcut").([]Layer); ok && len(cut) > 0 {
		steps, shape, err := r.list(cut, step.In, a.from, number+".shortcut.", prefix+"shortcut.", depth+1)
		if err != nil {
			return nil, at("shortcut", err)
		}
		step.Inner, around, way = append(step.Inner, steps), shape, "its shortcut gives"
		a.layer.Params["shortcut"] = layersOf(steps)
	}
	a.layer.Params["layers"] = layersOf(main)
	if out != nil && around != nil && !slices.Equal(out, around) {
		return nil, a.misfit("", "its layers give %s, but %s %s; a shortcut can fit them", Sizes(out), way, Sizes(around))
	}
	return out, nil
}

func (r *resolver) branches(a *args, step *Step, number, prefix string, depth int) ([]int, error) {
	forks, _ := a.value("branches").([][]Layer)
	if len(forks) == 0 {
		return nil, a.misfit("branches", "there are no branches")
	}
	var outs [][]int
	var resolved [][]Layer
	for i, layers := range forks {
		name := fmt.Sprintf("branches.%d.", i)
		steps, out, err := r.list(layers, step.In, a.from, fmt.Sprintf("%s.%d.", number, i+1), prefix+name, depth+1)
		if err != nil {
			return nil, at(fmt.Sprintf("branches[%d]", i), err)
		}
		step.Inner, outs, resolved = append(step.Inner, steps), append(outs, out), append(resolved, layersOf(steps))
	}
	a.layer.Params["branches"] = resolved
	return joined(a, outs)
}

// joined is the shape of the branches' outputs after the merge.
func joined(a *args, outs [][]int) ([]int, error) {
	sum := slices.Clone(outs[0])
	if slices.ContainsFunc(outs, func(s []int) bool { return s == nil }) {
		return nil, nil
	}
	dim := -1
	if a.text("merge") == "concat" {
		var err error
		if dim, err = axis(a, sum, "dim"); err != nil {
			return nil, err
		}
	}
	for i, out := range outs[1:] {
		fits := len(out) == len(sum)
		for j := range min(len(out), len(sum)) {
			if j == dim {
				sum[j] += out[j]
			} else if out[j] != sum[j] {
				fits = false
			}
		}
		if !fits {
			return nil, a.misfit("branches", "branch 1 gives %s and branch %d %s, which do not %s", Sizes(outs[0]), i+2, Sizes(out), a.text("merge"))
		}
	}
	return sum, nil
}

func layersOf(steps []Step) []Layer {
	layers := make([]Layer, len(steps))
	for i, s := range steps {
		layers[i] = s.Layer
	}
	return layers
}

// typed checks a layer that Go code made: the names and types of its values.
func (l *Layer) typed(kind *Kind) error {
	for name, v := range l.Params {
		p, ok := kind.Param(name)
		if !ok || p.Name != name {
			return Invalid(clip(name), fmt.Sprintf("%s has no such field%s", l.Type, didYouMean(name, kind.ParamNames())))
		}
		if n, ok := v.(int); ok && p.Type == contract.Number {
			l.Params[name] = float64(n)
			continue
		}
		ok = false
		switch v.(type) {
		case int:
			ok = p.Type == contract.Integer || p.Type == contract.Integers
		case float64:
			ok = p.Type == contract.Number
		case bool:
			ok = p.Type == contract.Boolean
		case string:
			ok = p.Type == contract.Choice || p.Type == contract.Integers && p.Values != nil
		case []int:
			ok = p.Type == contract.Integers
		case []Layer:
			ok = p.Type == contract.LayerList
		case [][]Layer:
			ok = p.Type == contract.LayerLists
		}
		if !ok {
			return Invalid(name, fmt.Sprintf("is a Go %T, wants %s", v, p.Type))
		}
	}
	return l.complete(kind)
}
