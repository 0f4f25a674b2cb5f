package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRebuild: Rebuild replaces a program, and leaves it as it is if the build fails.
func TestRebuild(t *testing.T) {
	l := Layout{Prefix: t.TempDir()}
	t.Setenv("GOFLAGS", "-mod=vendor") // must not apply to our own source
	source := func(text string) {
		t.Helper()
		if err := os.MkdirAll(l.Source(), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"go.mod": "module example.test/p\n\ngo 1.24\n", "main.go": text} {
			if err := os.WriteFile(filepath.Join(l.Source(), name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	program := filepath.Join(t.TempDir(), "gopherpod")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho old\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	says := func(want string) {
		t.Helper()
		out, err := exec.Command(program).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("the program says %q, %v; want %s", out, err, want)
		}
		if files, _ := os.ReadDir(filepath.Dir(program)); len(files) != 1 {
			t.Errorf("%d files beside the program", len(files)-1)
		}
	}
	source("package main\n\nfunc main() { undefined() }\n")
	if err := Rebuild(t.Context(), l, program); err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("got %v", err)
	}
	says("old")
	source("package main\n\nfunc main() { println(\"new\") }\n")
	if err := Rebuild(t.Context(), l, program); err != nil {
		t.Fatal(err)
	}
	says("new")
}
