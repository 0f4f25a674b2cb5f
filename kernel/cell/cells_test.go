package cell

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/cell/celltest"
)

// compileError returns the errors of the Go compiler for a unit, "" if there are none.
func compileError(t testing.TB, dir string, u *Unit) string {
	t.Helper()
	files, err := exports()
	if err != nil {
		t.Fatal(err)
	}
	var cfg strings.Builder
	for path, file := range files {
		cfg.WriteString("packagefile " + path + "=" + file + "\n")
	}
	cfgFile := filepath.Join(dir, "importcfg")
	if err := os.WriteFile(cfgFile, []byte(cfg.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"tool", "compile", "-o", filepath.Join(dir, "c.a"), "-p", "nb", "-dynlink", "-nolocalimports", "-importcfg", cfgFile, "-pack"}
	for name, text := range u.Files {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return string(out)
	}
	return ""
}

func TestCells(t *testing.T) {
	files, err := celltest.ParseDir(os.DirFS("testdata"), "cells")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			s := New(testConfig(t))
			for _, c := range f.Cells {
				u, err := s.Prepare(c.N, c.Source)
				if err != nil {
					if c.Want == "" || !c.Match(strings.Join(err.(Errors).Render(false), " ")) {
						t.Errorf("cell %d:\n%s\n%v", c.N, c.Source, err)
					}
					continue
				}
				s.Commit(u)
				if os.Getenv("GOPHERPOD_E2E") == "" || u.Empty {
					continue
				}
				if msg := compileError(t, t.TempDir(), u); msg != "" {
					nb := &notebook{last: u}
					t.Errorf("cell %d:\n%s\n%s\n%s", c.N, c.Source, msg, nb.source())
				}
			}
		})
	}
}
