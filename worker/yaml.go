package worker

import (
	"encoding/json"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// isYAML tells whether text is a model_config, or a list of layers, in YAML: its first
// line that says anything begins with a dash or is a key of the config. No line of the
// line form begins so.
func isYAML(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' || trimmed == "---" {
			continue
		}
		key, _, ok := strings.Cut(line, ":")
		return line == "-" || strings.HasPrefix(line, "- ") || ok && (key == "type" || key == "layers" || key == "model_config")
	}
	return false
}

// yamlToJSON returns the JSON of a YAML document: what model_config holds where the
// document has that key, a list of layers as it is.
//
//	layers:
//	  - {type: linear, out_features: 64}
//	  - type: relu
func yamlToJSON(text string) ([]byte, error) {
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		return nil, Invalid("model", "is no YAML that can be read: "+strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if m, ok := v.(map[string]any); ok && m["model_config"] != nil {
		v = m["model_config"]
	}
	b, err := json.Marshal(v)
	var unknown *json.UnsupportedTypeError
	var value *json.UnsupportedValueError
	switch {
	case errors.As(err, &unknown):
		return nil, Invalid("model", "has a key in its YAML that is no text")
	case errors.As(err, &value):
		return nil, Invalid("model", "holds "+value.Str+" in its YAML; numbers have to be finite")
	}
	return b, err
}
