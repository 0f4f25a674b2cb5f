package contract

import (
	"encoding/json"
	"fmt"
	"slices"
)

// layerVectors lists the vectors of the layers' parameters. They test a parameter alone:
// whether a size fits the data is not asked.
func layerVectors() []Vector {
	var all []Vector
	for _, l := range Layers() {
		for _, p := range l.Params {
			for _, t := range p.trials(l.Dims) {
				all = append(all, l.vector(p, p.Name, t))
				if p.Alias != "" {
					all = append(all, l.vector(p, p.Alias, t))
				}
			}
			if p.Alias != "" {
				both := l.vector(p, p.Alias, trial{name: "given twice", value: p.Default})
				l.object(both)[p.Name] = p.Default
				all = append(all, both)
			}
		}
		unknown := l.vector(Parameter{}, "nonesuch", trial{name: "unknown parameter", value: 1})
		all = append(all, unknown)
	}
	return all
}

// trials are values for a parameter of a layer.
func (p Parameter) trials(dims int) []trial {
	all := []trial{{name: "null", valid: !p.Required, value: nil}}
	bad := func(name string, value any, at, wants string) {
		all = append(all, trial{name, false, value, at, wants})
	}
	switch p.Type {
	case Boolean, Choice, Integer, Number:
		all = append(all, p.Type.trials(p.Range)...)
	case Integers:
		all = append(all, p.Range.whole()...)
		all = append(all, p.lists(dims)...)
		bad("an unknown word", "nonesuch", "", "")
		bad("true", true, "", "wants a whole number, not true or false")
	case LayerList, LayerLists:
		bad("a text", "relu", "", "wants a list, not a text")
		bad("a text in the list", []any{"relu"}, "[0]", "")
	default:
		panic("contract: no trials for the type " + p.Type)
	}
	bad("an object", map[string]any{}, "", "")
	if p.Required {
		all = append(all, trial{name: "missing", value: missing})
	}
	return all
}

// lists are the trials of a list of integers: each with its fault in the last place.
func (p Parameter) lists(dims int) []trial {
	n, most := dims, dims
	if dims == 0 {
		n, most = 2, Bounds().Numbers
	}
	list := func(length int, last any) []any {
		return append(slices.Repeat([]any{1}, length-1), last)
	}
	at := fmt.Sprintf("[%d]", n-1)
	all := []trial{
		{"a list", true, list(n, 1), "", ""},
		{"a list of one", true, list(1, 1), "", ""},
		{"the longest list", true, list(most, 1), "", ""},
		{"a list that is too long", false, list(most+1, 1), "", ""},
		{"an empty list", false, []any{}, "", ""},
		{"highest in a list", true, list(n, int64(p.Range.High)), "", ""},
		{"above the highest in a list", false, list(n, int64(p.Range.High)+1), at, "wants " + p.Range.String()},
		{"below the lowest in a list", false, list(n, int64(p.Range.Low)-1), at, "wants " + p.Range.String()},
		{"not whole in a list", false, list(n, 1.5), at, "is 1.5, wants a whole number"},
		{"whole in a list, written as a float", true, list(n, json.RawMessage("1.0")), "", ""},
	}
	for _, bad := range []struct {
		name  string
		value any
	}{{"a text", "1"}, {"null", nil}, {"true or false", true}, {"a list", []int{1}}, {"an object", map[string]any{}}} {
		all = append(all, trial{bad.name + " in the list", false, list(n, bad.value), at, "wants a whole number, not " + bad.name})
	}
	return all
}

// vector is a request with one layer, which has the trial's value under the key, and what
// it needs besides.
func (l Layer) vector(p Parameter, key string, t trial) Vector {
	layer := map[string]any{"type": l.Name}
	for _, other := range l.Params {
		switch {
		case !other.Required || other.Name == p.Name:
		case other.Type == LayerList:
			layer[other.Name] = []any{map[string]any{"type": "relu"}}
		case other.Type == LayerLists:
			layer[other.Name] = []any{[]any{map[string]any{"type": "relu"}}}
		default:
			layer[other.Name] = 1
		}
	}
	if t.value != missing {
		layer[key] = t.value
	}
	return t.vector(l.Name+"."+key, "model_config.layers[0]."+key, layer, nil)
}

// object is the layer of a vector.
func (Layer) object(v Vector) map[string]any {
	config, _ := v.Input["model_config"].(map[string]any)
	layers, _ := config["layers"].([]any)
	layer, _ := layers[0].(map[string]any)
	return layer
}
