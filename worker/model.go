package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A ModelConfig is a network as data, the predecessor's JSON:
//
//	{"type": "sequential", "layers": [
//	  {"type": "linear", "in_features": 64, "out_features": 32},
//	  {"type": "relu"},
//	  {"type": "linear", "in_features": 32, "out_features": 10}]}
//
// Sizes that follow from the data or from the layer before (in_features,
// in_channels, num_features) may be left out; Resolve fills them in.
//
// Other types are built by the PyTorch worker alone: "graph", named nodes, and
// "python", a class as source, if the operator of the endpoint allows it. They
// travel as they are, in Other.
type ModelConfig struct {
	Type   string          `json:"type"` // "sequential"
	Layers []Layer         `json:"layers"`
	Other  json.RawMessage `json:"-"` // the whole JSON of another type
}

// A Layer is one module. In JSON the parameters are beside the type:
// {"type": "linear", "in_features": 4, "out_features": 8}. Which parameters a
// // type has is its row in package contract. A value of Params is an int, a float64, a
// bool or a string by the type of its row; an int, []int or, if the row allows a word,
// a string for integers; []Layer or [][]Layer for layers within.
type Layer struct {
	Type   string
	Params map[string]any
}

// Limits on what a client may send.
var (
	maxLayers = contract.Bounds().Layers
	maxDepth  = contract.Bounds().Depth
)

// UnmarshalJSON refuses unknown fields, layer types and parameters by name.
func (m *ModelConfig) UnmarshalJSON(raw []byte) error {
	var head struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(raw, &head) == nil && (head.Type == contract.ModelGraph || head.Type == contract.ModelPython) {
		*m = ModelConfig{Type: head.Type, Other: bytes.Clone(raw)}
		return nil
	}
	fields, err := object(raw, "model_config", []string{"type", "layers"})
	if err != nil {
		return err
	}
	c := ModelConfig{Type: contract.ModelSequential}
	if t, ok := fields["type"]; ok {
		if err := plain(t, &c.Type); err != nil {
			return at("type", err)
		}
	}
	if c.Type != contract.ModelSequential {
		return Invalid("type", fmt.Sprintf("unknown model type %q; known: sequential (residual and branches are layers of it), and on the PyTorch worker graph and python", clip(c.Type)))
	}
	if fields["layers"] == nil {
		return Invalid("", "model_config has no layers")
	}
	if c.Layers, err = decodeLayers(fields["layers"], 0); err != nil {
		return at("layers", err)
	}
	*m = c
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (m ModelConfig) MarshalJSON() ([]byte, error) {
	if m.Other != nil {
		return m.Other, nil
	}
	type bare ModelConfig
	return json.Marshal(bare(m))
}

// decodeLayers reads a list of layers; errors have the field "[2]..." .
func decodeLayers(raw []byte, depth int) ([]Layer, error) {
	var list []json.RawMessage
	if depth > maxDepth {
		return nil, Invalid("", fmt.Sprintf("layers within layers, more than %d deep", maxDepth))
	}
	if err := plain(raw, &list); err != nil {
		return nil, err
	}
	if len(list) > maxLayers {
		return nil, Invalid("", fmt.Sprintf("%d layers, the most is %d", len(list), maxLayers))
	}
	layers := make([]Layer, len(list))
	for i, r := range list {
		if err := layers[i].decode(r, depth); err != nil {
			return nil, at(fmt.Sprintf("[%d]", i), err)
		}
	}
	return layers, nil
}

// UnmarshalJSON is strict, as the model's is.
func (l *Layer) UnmarshalJSON(raw []byte) error { return l.decode(raw, 0) }

func (l *Layer) decode(raw []byte, depth int) error {
	var head struct{ Type *string }
	if jsonKind(raw) != "an object" {
		return Invalid("", "a layer is a JSON object with a type, not "+jsonKind(raw))
	}
	if err := plain(raw, &head); err != nil {
		return err
	}
	if head.Type == nil {
		return Invalid("", "a layer has no type")
	}
	kind, ok := LookupKind(*head.Type)
	if !ok {
		return unknownLayer(*head.Type)
	}
	known := append(kind.ParamNames(), "type")
	for _, p := range kind.Params {
		if p.Alias != "" {
			known = append(known, p.Alias)
		}
	}
	fields, err := object(raw, kind.Name, known)
	if err != nil {
		return err
	}
	*l = Layer{Type: kind.Name, Params: map[string]any{}}
	for i := range kind.Params {
		p := &kind.Params[i]
		key, value := p.Name, fields[p.Name]
		if other := fields[p.Alias]; p.Alias != "" && other != nil {
			if value != nil {
				return Invalid(p.Alias, fmt.Sprintf("%s and %s are the same; give one", p.Name, p.Alias))
			}
			key, value = p.Alias, other
		}
		if value == nil {
			continue
		}
		v, err := decodeParam(p, value, depth)
		if err == nil {
			err = kind.check(p, v)
		}
		if err != nil {
			return at(key, err)
		}
		l.Params[p.Name] = v
	}
	return l.complete(kind)
}

func unknownLayer(name string) *Error {
	return Invalid("", fmt.Sprintf("unknown layer %q%s", clip(name), didYouMean(name, contract.LayerNames())))
}

// complete checks that what a layer needs is there, and that its values are in range.
func (l *Layer) complete(kind *Kind) error {
	for i := range kind.Params {
		p := &kind.Params[i]
		v, ok := l.Params[p.Name]
		if p.Required && !ok {
			return Invalid(p.Name, fmt.Sprintf("is missing; %s needs it (%s)", kind.Name, p.Doc))
		}
		if ok {
			if err := kind.check(p, v); err != nil {
				return at(p.Name, err)
			}
		}
	}
	return nil
}

// decodeParam reads the JSON of one parameter as its type. The field of an error is
// relative: "" or "[1]".
func decodeParam(p *contract.Parameter, raw []byte, depth int) (any, error) {
	switch p.Type {
	case contract.Integer:
		return decodeInt(raw)
	case contract.Number:
		var f float64
		err := plain(raw, &f)
		return f, err
	case contract.Boolean:
		var b bool
		err := plain(raw, &b)
		return b, err
	case contract.Choice:
		var s string
		err := plain(raw, &s)
		return s, err
	case contract.Integers:
		return decodeInts(p, raw)
	case contract.LayerList:
		return decodeLayers(raw, depth+1)
	case contract.LayerLists:
		var list []json.RawMessage
		if err := plain(raw, &list); err != nil {
			return nil, err
		}
		forks := make([][]Layer, len(list))
		for i, r := range list {
			var err error
			if forks[i], err = decodeLayers(r, depth+1); err != nil {
				return nil, at(fmt.Sprintf("[%d]", i), err)
			}
		}
		return forks, nil
	}
	panic("worker: no decoder for a parameter of type " + p.Type)
}

func decodeInts(p *contract.Parameter, raw []byte) (any, error) {
	switch jsonKind(raw) {
	case "a text":
		var s string
		err := plain(raw, &s)
		if err == nil && p.Values == nil {
			err = Invalid("", fmt.Sprintf("wants a whole number, not the text %q", clip(s)))
		}
		return s, err // check looks at the word
	case "a list":
		var list []json.RawMessage
		if err := plain(raw, &list); err != nil {
			return nil, err
		}
		ints := make([]int, len(list))
		for i, r := range list {
			n, err := decodeInt(r)
			if err != nil {
				return nil, at(fmt.Sprintf("[%d]", i), err)
			}
			ints[i] = n
		}
		return ints, nil
	}
	return decodeInt(raw)
}

// decodeInt takes 64 and 64.0.
func decodeInt(raw []byte) (int, error) {
	n, err := decodeWhole(raw)
	if err == nil && (n > 1<<53 || n < -1<<53) {
		err = Invalid("", fmt.Sprintf("is %s, wants a whole number", raw))
	}
	return int(n), err
}

// MarshalJSON writes the type first, then the parameters in the table's order.
func (l Layer) MarshalJSON() ([]byte, error) {
	kind, ok := LookupKind(l.Type)
	if !ok {
		return nil, unknownLayer(l.Type)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"type":%q`, l.Type)
	written := 0
	for _, p := range kind.Params {
		v, ok := l.Params[p.Name]
		if !ok {
			continue
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `,%q:%s`, p.Name, text)
		written++
	}
	if written != len(l.Params) {
		for name := range l.Params {
			if !slices.Contains(kind.ParamNames(), name) {
				return nil, Invalid(clip(name), fmt.Sprintf("%s has no such field%s", l.Type, didYouMean(name, kind.ParamNames())))
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
