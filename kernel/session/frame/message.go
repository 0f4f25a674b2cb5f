package frame

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// Pack prepares a message for a frame: text stays a string and bytes stay bytes. It
// encodes everything else, and all metadata, as JSON, which is not decoded again on the
// way to the notebook.
func Pack(m display.Message) *display.Message {
	data := make(display.MIMEMap, len(m.Data))
	for mime, v := range m.Data {
		switch v := v.(type) {
		case string, []byte:
			data[mime] = v
		default:
			b, err := json.Marshal(v)
			switch {
			case err != nil:
				data["text/plain"] = fmt.Sprintf("%s that does not encode: %v", mime, err)
			case strings.HasPrefix(mime, "text/"):
				data[mime] = strings.Trim(string(b), `"`)
			default:
				data[mime] = b
			}
		}
	}
	var metadata display.MIMEMap
	for name, v := range m.Metadata {
		b, err := json.Marshal(v)
		if err != nil {
			continue
		}
		if metadata == nil {
			metadata = display.MIMEMap{}
		}
		metadata[name] = b
	}
	return &display.Message{Data: data, Metadata: metadata, ID: m.ID, Update: m.Update}
}

// Unpack returns the message of the event as the kernel publishes it: JSON is a
// json.RawMessage, and bytes, which encode as base64, are images.
func (e Event) Unpack() display.Message {
	if e.Message == nil {
		return display.Message{}
	}
	m := *e.Message
	for mime, v := range m.Data {
		if b, ok := v.([]byte); ok && (mime == "application/json" || strings.HasSuffix(mime, "+json")) {
			m.Data[mime] = json.RawMessage(b)
		}
	}
	for name, v := range m.Metadata {
		if b, ok := v.([]byte); ok {
			m.Metadata[name] = json.RawMessage(b)
		}
	}
	return m
}
