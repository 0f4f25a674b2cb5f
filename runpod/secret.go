package runpod

import (
	"fmt"
	"log/slog"
)

// A Secret is a text that is never shown: printing or encoding it in any way yields
// "***", or nothing if it is empty. Reveal returns the text.
type Secret string

const hidden = "***"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String returns "***".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString returns the text that %#v prints.
func (s Secret) GoString() string { return `runpod.Secret("` + s.String() + `")` }

// Format prints "***" under every verb.
func (s Secret) Format(f fmt.State, verb rune) {
	out := s.String()
	switch {
	case verb == 'v' && f.Flag('#'):
		out = s.GoString()
	case verb == 'q':
		out = `"` + out + `"`
	}
	fmt.Fprint(f, out)
}

// MarshalText encodes "***", in JSON too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue logs "***".
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
