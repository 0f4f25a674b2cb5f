package train

import (
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/export"
)

// Safetensors is the format of Save beside those of package export.
const Safetensors export.Format = "safetensors"

// ExportFormats lists the formats of Export.
func ExportFormats() []export.Format {
	return append([]export.Format{Safetensors}, export.Formats()...)
}

// FormatOf is the format that a file's ending stands for: .safetensors, .pt and .pth,
// .onnx, .go; "" for any other.
func FormatOf(path string) export.Format {
	if strings.HasSuffix(strings.ToLower(path), ".safetensors") {
		return Safetensors
	}
	return export.FormatOf(path)
}

// Export writes the model for others, in the format that the file's ending stands
// for, or in the one that is given. Only safetensors, which is Save, can be read again
// with Load. An error wraps export.ErrUnsupported where the format cannot hold one of
// the layers, and names it. A file that is there is replaced whole or not at all.
func (m *Model) Export(path string, format export.Format) error {
	if format == "" {
		if format = FormatOf(path); format == "" {
			return fmt.Errorf("train: export %s: the file's ending says no format; known are .safetensors, .pt, .onnx and .go", path)
		}
	}
	if format == Safetensors {
		return m.Save(path)
	}
	state, err := m.StateDict()
	if err != nil {
		return fmt.Errorf("train: export %s: %w", path, err)
	}
	about := fmt.Sprintf("gopherpod run %s, %d epochs", m.RunID, m.Epochs)
	b, err := export.Encode(&export.Model{Config: m.Spec, Input: m.Input, State: state, About: about}, format)
	if err == nil {
		err = replace(path, b)
	}
	if err != nil {
		return fmt.Errorf("train: export %s: %w", path, err)
	}
	return nil
}
