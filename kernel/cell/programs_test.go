package cell

import (
	"os"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/cell/celltest"
)

// TestPrograms prepares each program as one cell, as several cells, and as several cells
// twice, because people run cells again all the time.
func TestPrograms(t *testing.T) {
	programs, err := celltest.ParsePrograms(os.DirFS("testdata"), "programs")
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) < 60 {
		t.Errorf("%d programs, want 60 or more", len(programs))
	}
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) {
			whole := newNotebook(t)
			whole.run(p.Source)
			check(t, whole.last)
			parts := newNotebook(t)
			for range 2 {
				for _, src := range p.Cells {
					check(t, parts.run(src))
				}
			}
		})
	}
}

// check compiles a unit if slow tests are enabled.
func check(t *testing.T, u *Unit) {
	t.Helper()
	if os.Getenv("GOPHERPOD_E2E") == "" || u.Empty {
		return
	}
	if msg := compileError(t, t.TempDir(), u); msg != "" {
		t.Errorf("cell %d: %s\n%s", u.N, msg, (&notebook{last: u}).source())
	}
}
