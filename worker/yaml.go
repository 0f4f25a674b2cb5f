package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// isYAML reports whether text is a model_config, or a list of layers, in YAML: its first
// line that is not empty or a comment begins with a dash or is a key of the config. No line of the
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

// yamlToJSON returns the JSON of a YAML document: the value of model_config if the
// document has that key, a list of layers as it is.
//
//	layers:
//	  - {type: linear, out_features: 64}
//	  - type: relu
func yamlToJSON(text string) ([]byte, error) {
	var document yaml.Node
	err := yaml.Unmarshal([]byte(text), &document)
	if err == nil && nodes(&document, map[*yaml.Node]int{}) > maxNodes {
		return nil, Invalid("model", fmt.Sprintf("has aliases in its YAML that stand for more than %d values; write the layers out, or send JSON", maxNodes))
	}
	var v any
	if err == nil && document.Kind != 0 {
		err = document.Decode(&v)
	}
	if err != nil {
		return nil, Invalid("model", "is not YAML that can be read: "+strings.TrimPrefix(err.Error(), "yaml: "))
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

// maxNodes bounds what a model's YAML stands for once its aliases are replaced by what
// they name. Nine lines of aliases to aliases stand for a billion values.
const maxNodes = 1 << 20

// nodes counts the values that n stands for, up to a few times maxNodes. known holds
// the nodes counted before; a node that is being counted counts as too many, because an
// alias to its own parent never ends.
func nodes(n *yaml.Node, known map[*yaml.Node]int) int {
	if n == nil {
		return 0
	}
	if count, ok := known[n]; ok {
		return count
	}
	known[n] = maxNodes + 1
	count := 1 + nodes(n.Alias, known)
	for _, child := range n.Content {
		if count > maxNodes {
			break
		}
		count += nodes(child, known)
	}
	known[n] = count
	return count
}
