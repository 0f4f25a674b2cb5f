package export

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A Format is what a file holds.
type Format string

const (
	PyTorch Format = "pt"   // a state_dict: the weights under PyTorch's names, no layers
	ONNX    Format = "onnx" // layers and weights, opset 18
	Go      Format = "go"   // a source file, package model, with the function Predict
)

// Formats lists the formats that Encode writes.
func Formats() []Format { return []Format{PyTorch, ONNX, Go} }

// FormatOf returns the format that a file's ending stands for: .pt and .pth, .onnx, .go;
// "" for any other.
func FormatOf(path string) Format {
	ext := Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), "."))
	switch ext {
	case PyTorch, ONNX, Go:
		return ext
	case "pth":
		return PyTorch
	}
	return ""
}

// ErrUnsupported: the format cannot hold the model. The error says which layer and
// why.
var ErrUnsupported = errors.New("the format cannot hold the model")

func unsupported(f Format, layer, reason string) error {
	return fmt.Errorf("export: %s: %s: %s: %w", f, layer, reason, ErrUnsupported)
}

// A Model is what there is to write.
type Model struct {
	Config *worker.ModelConfig // with all sizes, as a trained model has it
	Input  []int               // shape of a sample, without the batch; PyTorch needs none
	State  tensors.Set         // the weights under PyTorch's names
	About  string              // one line on where the model is from, for the file; may be empty
}

// Encode returns the file's content. The error is ErrUnsupported,
// or reports a state that does not fit the layers.
func Encode(m *Model, f Format) ([]byte, error) {
	switch f {
	case PyTorch:
		return encodePyTorch(m)
	case ONNX:
		return encodeONNX(m)
	case Go:
		return encodeGo(m)
	}
	return nil, fmt.Errorf("export: unknown format %q; known: %v", f, Formats())
}
