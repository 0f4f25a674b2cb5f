package setup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/setup"
	"github.com/gopherpod/gopherpod/tensors/python"
)

// fakePython writes a Python that lacks what the file LACKS beside it lists: pip takes names
// out of the list, venv copies the program, and each call is noted in the file calls.
func fakePython(t *testing.T, lacks, noIndex string) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	script := `#!/bin/sh
log=` + dir + `/calls
case "$1 $2" in
"-c "*) [ -e "$0.has" -o -z "$3" ] && echo 3 12 || echo 3 12 ` + lacks + `;;
"-m venv") echo "$@" >>$log; mkdir -p "$3/bin"; cp "$0" "$3/bin/python";;
"-m pip") echo "$@" >>$log; case "$*" in *index-url*) ` + noIndex + ` ;; esac; : >"$0.has";;
esac
`
	path := filepath.Join(dir, "python3")
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(python.EnvPython, path)
	return func() string {
		b, _ := os.ReadFile(dir + "/calls")
		os.Remove(dir + "/calls")
		return string(b)
	}
}

func TestInstallTorch(t *testing.T) {
	for _, c := range []struct {
		lacks, noIndex string
		want, not      []string
	}{
		{"torch msgpack zstandard", "", []string{"-m venv ", "torch numpy --index-url https://download.pytorch.org/whl/cpu"}, []string{"--system-site-packages"}},
		{"torch", "exit 1", []string{"--index-url", "--quiet torch numpy\n"}, nil},
		{"msgpack zstandard", "", []string{"--system-site-packages", "--quiet msgpack zstandard"}, []string{"torch numpy"}},
	} {
		calls := fakePython(t, c.lacks, c.noIndex)
		l := setup.Layout{Prefix: t.TempDir()}
		path, err := setup.InstallTorch(t.Context(), l, nil)
		if err != nil || path != python.InVenv(python.Venv(l.Home())) {
			t.Errorf("%s: %s, %v", c.lacks, path, err)
		}
		text := calls()
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in %s", c.lacks, w, text)
			}
		}
		for _, w := range c.not {
			if strings.Contains(text, w) {
				t.Errorf("%s: %q is in %s", c.lacks, w, text)
			}
		}
		if again, err := setup.InstallTorch(t.Context(), l, nil); err != nil || again != path || calls() != "" {
			t.Errorf("a second call: %s, %v", again, err)
		}
		if err := setup.Uninstall(l); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("uninstall leaves it")
		}
	}
}

func TestInstallTorchFails(t *testing.T) {
	t.Setenv(python.EnvPython, "/does/not/exist")
	if _, err := setup.InstallTorch(t.Context(), setup.Layout{Prefix: t.TempDir()}, nil); err == nil || !strings.Contains(err.Error(), "Python 3.11 or newer") {
		t.Error(err)
	}
	fakePython(t, "torch", "exit 1; esac; case x in x) echo no such package >&2; exit 1")
	if _, err := setup.InstallTorch(t.Context(), setup.Layout{Prefix: t.TempDir()}, nil); err == nil || !strings.Contains(err.Error(), "no such package") {
		t.Error(err)
	}
}
