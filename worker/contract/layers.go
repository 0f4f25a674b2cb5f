package contract

import (
	"slices"
	"sync"
)

// A Layer is the row of a layer type. Its shapes and its state are rules in package
// worker, by the name.
type Layer struct {
	Name   string `json:"name"`
	Module string `json:"module,omitempty"` // the class in torch.nn, "" if none corresponds
	Doc    string `json:"doc"`
	// Dims is the number of dimensions after the channels that a window or a norm
	// covers: 2 for conv2d. 0: the type has no such number.
	Dims int `json:"dims,omitempty"`
	// Ranks lists how many dimensions the input may have after the batch; nil: any.
	Ranks []int `json:"ranks,omitempty"`
	// Positional lists the parameters that may stand without a name in the line
	// form, in order: "conv2d 16 3" is out_channels=16 kernel_size=3.
	Positional []string    `json:"positional,omitempty"`
	Workers    []string    `json:"workers"` // that support it
	Params     []Parameter `json:"params"`
}

// A Parameter is one parameter of a layer type. In a list (Integers) each number is
// within the range. If the layer has Dims, a list has that many numbers or one, which
// stands for all of them, as a plain number does; else it has 1 to Limits.Numbers.
type Parameter struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	// Default is the value of a parameter that is not given; nil: it is required,
	// inferable, or Doc says what happens then.
	Default  any  `json:"default,omitempty"`
	Required bool `json:"required,omitempty"`
	// From is the dimension of the input, the batch being 0, whose size an inferable
	// parameter has: 1 or -1. 0: the parameter does not follow from the input.
	From   int      `json:"from,omitempty"`
	Axis   bool     `json:"axis,omitempty"`   // a dimension of the input: not 0, the batch; negative ones count from the end
	Range  *Range   `json:"range,omitempty"`  // of numbers
	Values []string `json:"values,omitempty"` // of a choice; of integers: words that are allowed too
	Alias  string   `json:"alias,omitempty"`  // another key that is read, never written
	Doc    string   `json:"doc"`
}

// Inferable reports whether the parameter follows from the layer's input.
func (p Parameter) Inferable() bool { return p.From != 0 }

// Layers lists the rows of all layer types, by theme.
func Layers() []Layer {
	return slices.Concat(linearLayers(), convLayers(), poolLayers(), normLayers(), dropoutLayers(), activationLayers(), sequenceLayers(), shapeLayers())
}

// LookupLayer returns the row of the layer type called name.
func LookupLayer(name string) (Layer, bool) {
	l, ok := layersByName()[name]
	return l, ok
}

var layersByName = sync.OnceValue(func() map[string]Layer {
	m := map[string]Layer{}
	for _, l := range Layers() {
		m[l.Name] = l
	}
	return m
})

// LayerNames lists the names of all layer types.
func LayerNames() []string {
	var names []string
	for _, l := range Layers() {
		names = append(names, l.Name)
	}
	return names
}

// Param returns the parameter called name, by its name or its alias.
func (l Layer) Param(name string) (*Parameter, bool) {
	for i := range l.Params {
		if p := &l.Params[i]; p.Name == name || p.Alias != "" && p.Alias == name {
			return p, true
		}
	}
	return nil, false
}

// ParamNames lists the names of the parameters, without aliases.
func (l Layer) ParamNames() []string {
	var names []string
	for _, p := range l.Params {
		names = append(names, p.Name)
	}
	return names
}
