package python_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors/python"
)

// fake writes a program in place of a Python; it says its version and what it lacks.
func fake(t *testing.T, path, says string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho "+says+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func clear(t *testing.T) string {
	for _, name := range []string{python.EnvPython, python.EnvNotebook, "VIRTUAL_ENV"} {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	return dir
}

func TestFindTakesTheFirstThatHasTheModules(t *testing.T) {
	dir := clear(t)
	last := fake(t, dir+"/python3", "3 12")
	find := func() string {
		path, err := python.FindBesides(context.Background(), dir+"/home", dir+"/none", "torch")
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got := find(); got != last {
		t.Errorf("got %s", got)
	}
	own := fake(t, python.InVenv(python.Venv(dir+"/home")), "3 11")
	if got := find(); got != own {
		t.Errorf("got %s", got)
	}
	t.Setenv("VIRTUAL_ENV", dir+"/venv")
	fake(t, dir+"/venv/bin/python", "3 13 torch")
	t.Setenv(python.EnvNotebook, fake(t, dir+"/jupyter/bin/python", "3 9"))
	if got := find(); got != own {
		t.Errorf("got %s", got)
	}
	t.Setenv(python.EnvPython, last)
	if got := find(); got != last {
		t.Errorf("got %s", got)
	}
}

func TestFindSaysWhatEachLacks(t *testing.T) {
	dir := clear(t)
	t.Setenv("VIRTUAL_ENV", dir+"/venv")
	t.Setenv(python.EnvNotebook, fake(t, dir+"/a/python", "3 9"))
	fake(t, dir+"/venv/bin/python", "3 13 torch zstandard")
	fake(t, dir+"/python3", "3 12 torch; exit 1")
	_, err := python.FindBesides(context.Background(), "", dir+"/none", "torch", "zstandard")
	var none *python.NotFoundError
	if !errors.As(err, &none) {
		t.Fatal(err)
	}
	want := []string{"a/python is Python 3.9, older than 3.11", "venv/bin/python has no torch and no zstandard", "python3 does not start"}
	for i, w := range want {
		if i >= len(none.Tried) || !strings.HasSuffix(none.Tried[i], w) {
			t.Errorf("%d: want %q in %q", i, w, none.Tried)
		}
	}
	t.Setenv(python.EnvPython, "/does/not/exist")
	if _, err := python.Find(context.Background(), ""); err == nil || !strings.Contains(err.Error(), "/does/not/exist does not start") {
		t.Error(err)
	}
}
