package worker

// A ModelConfig is a network as data, the predecessor's JSON:
//
//	{"type": "sequential", "layers": [
//	  {"type": "linear", "in_features": 64, "out_features": 32},
//	  {"type": "relu"},
//	  {"type": "linear", "in_features": 32, "out_features": 10}]}
//
// Sizes that follow from the data or from the layer before (in_features,
// in_channels, num_features) may be left out; Resolve fills them in.
type ModelConfig struct {
	Type   string  `json:"type"` // "sequential"
	Layers []Layer `json:"layers"`
}

// A Layer is one module. In JSON the parameters stand beside the type:
// {"type": "linear", "in_features": 4, "out_features": 8}. Which parameters a
// type has stands in the table Kinds. Values are int, float64, bool or []int.
type Layer struct {
	Type   string
	Params map[string]any
}
