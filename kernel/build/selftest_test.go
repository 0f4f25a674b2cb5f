package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSelfTest runs the self-test in both modes.
func TestSelfTest(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles packages")
	}
	for _, mode := range []Mode{Fast, Classic} {
		t.Run(string(mode), func(t *testing.T) {
			h := testHostMode(t, mode)
			if err := h.selfTest(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLearn learns from sources of the run-time and rejects unknown ones.
func TestLearn(t *testing.T) {
	for _, c := range []struct{ fields, want string }{
		{"typemap map[typeOff]*_type; next *moduledata", "gopherpod_typemap_offsets"},
		{"a, b int; typemap map[*_type]*_type\n next *moduledata", "gopherpod_typemap_pointers"},
		{"typemap map[uint64]*_type; next *moduledata", ""},
		{"typemap map[typeOff]*_type; more int; next *moduledata", ""},
		{"typemap map[typeOff]*_type; next *moduledata; more int", ""},
		{"next *moduledata", ""},
	} {
		root := t.TempDir()
		file := filepath.Join(root, "src", "runtime", "symtab.go")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("package runtime\ntype moduledata struct { "+c.fields+" }\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(typemapTags(root), ","); got != c.want {
			t.Errorf("%s: got %q, want %q", c.fields, got, c.want)
		}
		// The files of all other assumptions are missing, but the tools' sources are there.
		if err := os.MkdirAll(filepath.Join(root, "src", "cmd", "link"), 0o755); err != nil {
			t.Fatal(err)
		}
		err := (&toolchain{Root: root, Version: "go1.99"}).checkAssumptions()
		if err == nil || !strings.Contains(err.Error(), "object file: magic") || !strings.Contains(err.Error(), "go1.99") {
			t.Errorf("got %v", err)
		}
	}
}
