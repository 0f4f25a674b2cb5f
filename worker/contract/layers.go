package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// A Layer is the row of a layer type. The rows are written beside the shapes of each
// type, in package worker (worker.Rows), and handed to this package: it imports nothing
// of ours.
type Layer struct {
	Name   string `json:"name"`
	Module string `json:"module,omitempty"` // the class in torch.nn, "" if none corresponds
	Doc    string `json:"doc"`
	// Dims is the number of dimensions behind the channels that a window or a norm
	// goes over: 2 for conv2d. 0 says that the type has no such number.
	Dims       int         `json:"dims,omitempty"`
	Positional []string    `json:"positional,omitempty"` // may stand without a name in the line form, in order
	Workers    []string    `json:"workers"`              // that support it
	Params     []Parameter `json:"params"`
}

// A Parameter is one parameter of a layer type. In a list (ints) each number is within
// the range. If the layer has Dims, a list has that many numbers, and one number stands
// for all of them.
type Parameter struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"` // int, float, bool, ints, text, layers, forks
	Default   any      `json:"default,omitempty"`
	Required  bool     `json:"required,omitempty"`
	Inferable bool     `json:"inferable,omitempty"` // follows from the layer's input
	Range     *Range   `json:"range,omitempty"`
	Words     []string `json:"words,omitempty"` // text: all values; ints: allowed besides numbers
	Alias     string   `json:"alias,omitempty"` // another key that is read, never written
	Doc       string   `json:"doc"`
}

// layerVectors lists for every bound of every parameter a request just inside and one
// just outside, and for every word an unknown one. They test the parameter alone: whether
// a size fits the data is not asked.
func layerVectors(layers []Layer) []Vector {
	var all []Vector
	for _, l := range layers {
		for _, p := range l.Params {
			add := func(name string, valid bool, value any) {
				all = append(all, l.vector(p, name, valid, value))
			}
			switch p.Type {
			case "bool":
				add("1 is no boolean", false, 1)
			case "text":
				add("an empty word", false, "")
				add("an unknown word", false, "nonesuch")
			case "int", "ints":
				low, high := int64(p.Range.Low), int64(p.Range.High)
				add("lowest", true, low)
				add("below the lowest", false, low-1)
				add("highest", true, high)
				add("above the highest", false, high+1)
				add("not whole", false, 1.5)
				add("whole, written as a float", true, json.RawMessage("1.0"))
				if p.Words != nil {
					add("an unknown word", false, "nonesuch")
				}
			case "float":
				for _, b := range p.Range.bounds() {
					add(b.name, b.valid, b.value)
				}
			}
		}
	}
	return all
}

// vector is a request with one layer, which has the value and what it needs besides.
func (l Layer) vector(p Parameter, name string, valid bool, value any) Vector {
	layer := map[string]any{"type": l.Name}
	for _, other := range l.Params {
		switch {
		case !other.Required:
		case other.Type == "layers":
			layer[other.Name] = []any{map[string]any{"type": "relu"}}
		case other.Type == "forks":
			layer[other.Name] = []any{[]any{map[string]any{"type": "relu"}}}
		default:
			layer[other.Name] = 1
		}
	}
	layer[p.Name] = value
	v := Vector{Name: fmt.Sprintf("%s.%s: %s", l.Name, p.Name, name), Valid: valid, Input: map[string]any{
		"operation": "train", "protocol": 1,
		"model_config":  map[string]any{"type": "sequential", "layers": []any{layer}},
		"training_data": map[string]any{"features": [][]float64{{1}}, "labels": []int{0}},
	}}
	if !valid {
		v.Field = "model_config.layers[0]." + p.Name
	}
	return v
}

// LayersFile is the page of the layers, from the package's folder.
const LayersFile = "../../docs/reference/layers.md"

func layersPage(layers []Layer) ([]byte, error) {
	b := bytes.NewBufferString(`# Layers

Generated from the rows in package worker; do not edit. Parameters have the names and defaults of the
class in torch.nn. A parameter marked "from the input" is filled in if it is not given. In the line
form, values without a name go to the parameters of the positional form, in order: ` + "`conv2d 16 3`" + ` is
out_channels=16 kernel_size=3. One number of a list stands for all dimensions: kernel_size=3 is 3x3 in
conv2d. Dimensions count the batch as 0.
`)
	for _, l := range layers {
		fmt.Fprintf(b, "\n## %s\n\n%s.", l.Name, l.Doc)
		if l.Module != "" {
			fmt.Fprintf(b, " PyTorch: `nn.%s`.", l.Module)
		}
		if len(l.Positional) > 0 {
			fmt.Fprintf(b, " Positional form: `%s %s`.", l.Name, strings.ToUpper(strings.Join(l.Positional, " ")))
		}
		fmt.Fprintf(b, " Workers: %s.\n", strings.Join(l.Workers, ", "))
		if len(l.Params) == 0 {
			continue
		}
		b.WriteString("\n| parameter | value | default | what it is |\n|---|---|---|---|\n")
		for _, p := range l.Params {
			def, err := p.absent()
			if err != nil {
				return nil, err
			}
			name := "`" + p.Name + "`"
			if p.Alias != "" {
				name += " or `" + p.Alias + "`"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, p.values(), def, strings.ReplaceAll(p.Doc, "|", `\|`))
		}
	}
	return b.Bytes(), nil
}

// absent says what happens if the parameter is not given.
func (p Parameter) absent() (string, error) {
	switch {
	case p.Required:
		return "required", nil
	case p.Inferable:
		return "from the input", nil
	case p.Default == nil:
		return "none", nil
	}
	text, err := json.Marshal(p.Default)
	return string(text), err
}

// values says in words which values the parameter takes.
func (p Parameter) values() string {
	if p.Type == "text" {
		return strings.Join(p.Words, ", ")
	}
	text := map[string]string{"int": "integer", "float": "number", "bool": "boolean", "ints": "integers", "layers": "layers", "forks": "lists of layers"}[p.Type]
	if p.Range != nil {
		if r := p.Range.within(); r != "" {
			text += ", " + r
		}
	}
	if p.Words != nil {
		text += "; or " + strings.Join(p.Words, ", ")
	}
	return text
}

// within is String without bounds that are only the limit of a size.
func (r Range) within() string {
	size := float64(Bounds().Size)
	switch low := fmt.Sprintf("%v or more", r.Low); {
	case r.High < size && r.Low > -size:
		return r.String()
	case r.Low == -size || math.IsInf(r.Low, -1):
		return ""
	case r.OpenLow:
		return fmt.Sprintf("more than %v", r.Low)
	default:
		return low
	}
}
