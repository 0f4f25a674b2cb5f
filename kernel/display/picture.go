package display

import (
	_ "image/jpeg" // sizes of JPEG images
	"maps"
)

// images are the types of pictures, whose metadata has an "alt".
var images = []string{"image/png", "image/jpeg", "image/svg+xml"}

// Alt returns the alternative text that was given for the picture of the message: "alt" in
// the metadata of its type. It returns "" if there is none, or no picture.
func (m Message) Alt() string {
	for _, mime := range images {
		if m.Data[mime] == nil {
			continue
		}
		if of, ok := m.Metadata[mime].(map[string]any); ok {
			if alt, ok := of["alt"].(string); ok {
				return alt
			}
		}
	}
	return ""
}

// Described returns the message with an alternative text for its picture: the given
// one, else its text/plain.
func (m Message) Described() Message {
	text := m.Text()
	if m.Alt() != "" || text == "" {
		return m
	}
	for _, mime := range images {
		if m.Data[mime] != nil {
			m.describe(mime, text)
		}
	}
	return m
}

// describe sets the alt of a type. It does not change the caller's maps.
func (m *Message) describe(mime, text string) {
	of, _ := m.Metadata[mime].(map[string]any)
	if of = maps.Clone(of); of == nil {
		of = map[string]any{}
	}
	of["alt"] = text
	if m.Metadata = maps.Clone(m.Metadata); m.Metadata == nil {
		m.Metadata = map[string]any{}
	}
	m.Metadata[mime] = of
}
