package worker

import (
	"testing"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// TestEveryRowHasARule: a row in package contract without its shapes here, or the other
// way round, is a layer that is half there.
func TestEveryRowHasARule(t *testing.T) {
	all := rules()
	for _, row := range contract.Layers() {
		r, ok := all[row.Name]
		if !ok {
			t.Errorf("%s has a row and no rule", row.Name)
			continue
		}
		delete(all, row.Name)
		if k := (&Kind{row, r}); (r.shape == nil) != k.container() {
			t.Errorf("%s: a layer has a shape, one that holds layers has none", row.Name)
		}
	}
	for name := range all {
		t.Errorf("%s has a rule and no row", name)
	}
}
