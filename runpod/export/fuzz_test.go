package export

import (
	"errors"
	"go/parser"
	"go/token"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
)

// FuzzEncode: Encode writes every model that the contract accepts in every format, or returns
// ErrUnsupported. The Go file can be parsed.
func FuzzEncode(f *testing.F) {
	for _, m := range more {
		a, b := m.input[0], 0
		if len(m.input) > 1 {
			b = m.input[1]
		}
		f.Add(m.layers, uint8(a), uint8(b), uint8(0))
	}
	f.Add("conv3d 2 2 padding=1\nadaptive_maxpool3d 1x2x2\nflatten", uint8(1), uint8(3), uint8(3))
	f.Fuzz(func(t *testing.T, text string, a, b, c uint8) {
		config, err := worker.ParseLayers(text)
		if err != nil {
			return
		}
		input := []int{int(a)%16 + 1}
		for _, n := range []uint8{b, c} {
			if n > 0 {
				input = append(input, int(n)%16+1)
			}
		}
		steps, out, err := config.Steps(input)
		if err != nil || out == nil || size(steps, input) > 1e5 {
			return
		}
		m := newSample(t, "fuzz", config, input).model
		for _, format := range Formats() {
			b, err := Encode(m, format)
			if errors.Is(err, ErrUnsupported) {
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			if format == Go {
				if _, err := parser.ParseFile(token.NewFileSet(), "model.go", b, 0); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// size returns about how many numbers a model has, in the layers and between them.
func size(steps []worker.Step, in []int) int {
	n := product(in)
	for _, s := range steps {
		n = min(n+product(s.Out), 1e9)
		for _, t := range s.State {
			n = min(n+product(t.Shape), 1e9)
		}
		for _, inner := range s.Inner {
			n = min(n+size(inner, in), 1e9)
		}
	}
	return n
}
