package train

import (
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/export"
)

// Safetensors is the format of Save. The other formats are those of package export.
const Safetensors export.Format = "safetensors"

// ExportFormats lists the formats of Export.
func ExportFormats() []export.Format {
	return append([]export.Format{Safetensors}, export.Formats()...)
}

// FormatOf returns the format that belongs to a file's extension: .safetensors, .pt or .pth,
// .onnx, .go; "" for any other.
func FormatOf(path string) export.Format {
	if strings.HasSuffix(strings.ToLower(path), ".safetensors") {
		return Safetensors
	}
	return export.FormatOf(path)
}

// Export writes the model for other programs, in the given format or, if format is empty,
// in the one that belongs to the file's extension. Load reads only safetensors, the format
// of Save. If the format does not support a layer, the error wraps export.ErrUnsupported and
// names the layer. An existing file is replaced completely or not at all.
func (m *Model) Export(path string, format export.Format) error {
	if format == "" {
		if format = FormatOf(path); format == "" {
			return fmt.Errorf("train: export %s: unknown file extension; want .safetensors, .pt, .onnx or .go", path)
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
