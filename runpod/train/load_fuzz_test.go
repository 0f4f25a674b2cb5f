package train

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
)

// FuzzLoad: Load returns a model whose weights fit its layers, or an error.
func FuzzLoad(f *testing.F) {
	weights := tensors.Set{}
	for name, values := range map[string]any{"0.weight": [][]float32{{1, 2}}, "0.bias": []float32{3}} {
		t, err := tensors.From(values)
		if err != nil {
			f.Fatal(err)
		}
		weights[name] = t
	}
	for _, h := range []string{
		`{"version":1,"model_config":{"layers":[{"type":"linear","in_features":2,"out_features":1}]}}`,
		`{"version":1,"model_config":{"layers":[{"type":"linear","out_features":1}]},"input":[2],"history":[{"epoch":1,"train_loss":null}]}`,
		`{"version":2}`, `{}`, `{"version":1,"model_config":{"layers":[]},"class_names":[""]}`,
	} {
		b, err := tensors.EncodeSafetensors(weights, map[string]string{headerKey: h})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Load(path)
		if err != nil {
			return
		}
		if _, err := m.StateDict(); err != nil {
			t.Fatalf("a model was loaded, but its weights: %v", err)
		}
		_ = m.String()
	})
}
