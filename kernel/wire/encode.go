package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode returns the signed frames of a message. A decoded message keeps its header
// byte for byte.
func Encode(m Message, key Key) [][]byte {
	header := []byte(m.RawHeader)
	if len(header) == 0 {
		header, _ = json.Marshal(m.Header) // strings only: cannot fail
	}
	parts := [][]byte{header, object(m.Parent), object(m.Metadata), object(m.Content)}
	frames := make([][]byte, 0, len(m.Identities)+6+len(m.Buffers))
	frames = append(frames, m.Identities...)
	frames = append(frames, delimiter, key.sign(parts...))
	frames = append(frames, parts...)
	return append(frames, m.Buffers...)
}

func object(b []byte) []byte {
	if len(b) == 0 {
		return []byte("{}")
	}
	return b
}

// Marshal encodes content as JSON. It does not escape <, > and &, and replaces
// invalid UTF-8 with U+FFFD.
func Marshal(content any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(content); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
