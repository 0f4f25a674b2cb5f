package worker

import (
	"fmt"
	"strings"
)

// Title names the layers of a model: "linear 64, relu, linear 10".
func (m *ModelConfig) Title() string {
	const most = 8
	if m == nil {
		return "no model"
	}
	if p, ok := m.Python(); ok {
		return p.Title()
	}
	if m.Other != nil {
		return "a model of type " + m.Type
	}
	var names []string
	for _, l := range m.Layers {
		name := l.Type
		for _, key := range []string{"out_features", "out_channels", "hidden_size", "p"} {
			if v, ok := l.Params[key]; ok {
				name += fmt.Sprintf(" %v", v)
				break
			}
		}
		names = append(names, name)
	}
	if n := len(names); n > most {
		names = append(names[:most-2], "...", names[n-1])
		return strings.Join(names, ", ") + fmt.Sprintf(" (%d layers)", n)
	}
	return strings.Join(names, ", ")
}
