package kernel

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A redactor removes secrets from every string that is published or stored. One without
// remove changes nothing.
type redactor struct {
	remove func(string) string
	learn  func() // see Options.Learn; may be nil
}

// learned calls learn.
func (f redactor) learned() {
	if f.learn != nil {
		f.learn()
	}
}

func (f redactor) text(s string) string {
	f.learned()
	if f.remove == nil {
		return s
	}
	return f.remove(s)
}

func (f redactor) content(c content) content {
	f.learned()
	if f.remove == nil {
		return c
	}
	return f.value(c).(content)
}

// value redacts strings at any depth. Values of other types are encoded as JSON first.
func (f redactor) value(v any) any {
	switch v := v.(type) {
	case nil, bool, int, float64:
		return v
	case string:
		return f.remove(v)
	case []string:
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = f.remove(s)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = f.value(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if base64Image(k) {
				out[k] = e // large, and base64 contains no words
				continue
			}
			out[unused(out, f.remove(k))] = f.value(e)
		}
		return out
	}
	b, err := json.Marshal(v)
	if err != nil {
		return v // the caller's encoding fails too, and reports the error
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		return v
	}
	return f.value(plain)
}

// unused returns a key that m does not have yet, because all secrets have the same mask.
func unused(m map[string]any, key string) string {
	for name, n := key, 2; ; n++ {
		if _, taken := m[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s %d", key, n)
	}
}

func base64Image(mime string) bool {
	return strings.HasPrefix(mime, "image/") && mime != "image/svg+xml"
}
