package train

import (
	"encoding/json"
	"fmt"

	"github.com/gopherpod/gopherpod/worker"
)

// Layers is a model as text: a list of layers, one per line, or a model_config in JSON
// (see worker.ParseModel).
//
//	linear 64
//	relu
//	linear 10
type Layers string

// ParseSpec reads a model given as Layers, Python, string, *worker.ModelConfig, worker.ModelConfig,
// json.RawMessage or *Model (the same layers, trained from the beginning).
func ParseSpec(spec any) (*worker.ModelConfig, error) {
	switch s := spec.(type) {
	case Layers:
		return worker.ParseModel(string(s))
	case Python:
		return worker.ParsePython(string(s))
	case string:
		return worker.ParseModel(s)
	case json.RawMessage:
		return worker.ParseModel(string(s))
	case worker.ModelConfig:
		return &s, nil
	case *worker.ModelConfig:
		if s != nil {
			return s, nil
		}
	case *Model:
		if s != nil && s.Spec != nil {
			return s.Spec, nil
		}
	}
	if spec == nil {
		return nil, worker.Invalid("model", "there is no model: give a list of layers, or a *worker.ModelConfig")
	}
	return nil, worker.Invalid("model", fmt.Sprintf("want a list of layers or a *worker.ModelConfig, got a value of type %T", spec))
}
