package contract_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
	. "github.com/gopherpod/gopherpod/worker/contract"
)

// TestGenerated fails if a table or the row of a layer has changed and "go generate ./worker/contract"
// has not run since.
func TestGenerated(t *testing.T) {
	for name, text := range Generated(worker.Rows()) {
		want, err := text()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run go generate ./worker/contract", name, err)
		}
	}
}

func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range Hyperparameters() {
		if seen[h.Name] {
			t.Errorf("%s has two rows", h.Name)
		}
		seen[h.Name] = true
		if h.Doc == "" || len(h.Workers) == 0 || len(h.Operations) == 0 {
			t.Errorf("%s lacks documentation, workers or operations", h.Name)
		}
		if h.Default == nil && h.Absent == "" {
			t.Errorf("%s has no default and does not say what happens without a value", h.Name)
		}
		if (h.Type == Choice) != (h.Values != nil) || (h.Type == Boolean || h.Type == Choice) == (h.Range != nil) {
			t.Errorf("%s: range or values do not go with the type %s", h.Name, h.Type)
		}
		for _, o := range h.Optimizers {
			if !slices.Contains(OptimizerNames(), o) {
				t.Errorf("%s applies to an unknown optimizer %s", h.Name, o)
			}
		}
	}
}
