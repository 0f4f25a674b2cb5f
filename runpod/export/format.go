package export

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A Format is a file format.
type Format string

const (
	PyTorch Format = "pt"   // a state_dict: the weights under PyTorch's names, no layers
	ONNX    Format = "onnx" // layers and weights, opset 18
	Go      Format = "go"   // a source file, package model, with the function Predict
)

// Formats lists the formats that Encode writes.
func Formats() []Format { return []Format{PyTorch, ONNX, Go} }

// FormatOf returns the format that belongs to a file's extension: .pt or .pth, .onnx, .go;
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

// ErrUnsupported means that the format cannot represent the model. The error that wraps it
// names the layer and the reason.
var ErrUnsupported = errors.New("the format cannot hold the model")

func unsupported(f Format, layer, reason string) error {
	return fmt.Errorf("export: %s: %s: %s: %w", f, layer, reason, ErrUnsupported)
}

// A Model is the input of Encode.
type Model struct {
	Config *worker.ModelConfig // the layers of a trained model, with all sizes
	Input  []int               // shape of a sample, without the batch; not needed for PyTorch
	State  tensors.Set         // the weights under PyTorch's names
	About  string              // a line for the file that says where the model comes from; may be empty
}

// Encode returns the content of the file. The error wraps ErrUnsupported, or says how the
// state does not fit the layers.
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
