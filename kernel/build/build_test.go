package build

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testHost(t *testing.T) *Host {
	t.Helper()
	return testHostMode(t, "")
}

func testHostMode(t *testing.T, mode Mode) *Host {
	t.Helper()
	dir := os.Getenv("GOPHERPOD_TEST_HOST")
	if dir == "" {
		dir = t.TempDir()
	}
	h, err := Prepare(t.Context(), Options{Source: "../..", Dir: dir, Main: modulePath + "/kernel/session/plain", Lean: true, Mode: mode,
		Packages: []string{"fmt", "strings"}, Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func TestPrepare(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles packages")
	}
	h := testHost(t)
	r, err := h.Export("fmt")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r)
	r.Close()
	if !bytes.HasPrefix(b, []byte("!<arch>\n")) {
		t.Errorf("fmt is no archive: %.20q", b)
	}
	if d, ok := h.Dir("fmt"); !ok || filepath.Base(d) != "fmt" {
		t.Errorf("source of fmt: %q, %v", d, ok)
	}
	var unknown *UnknownPackageError
	if _, err := h.Export("no/such"); !errors.As(err, &unknown) || unknown.Path != "no/such" {
		t.Errorf("got %v", err)
	}
	mode, reason := h.Mode()
	t.Logf("%s mode %s", mode, reason)
	t.Run("reopen", func(t *testing.T) {
		h2, err := Open(filepath.Dir(h.dir))
		if err != nil || h2.dir != h.dir {
			t.Fatalf("got %v, %v", h2, err)
		}
		h2.Close()
	})
	t.Run("cell", func(t *testing.T) {
		o, err := h.Builder().Cell(t.Context(), Input{Dir: t.TempDir(), Path: "nbcell1", Files: map[string]string{"run.go": "package main\n" +
			"import \"fmt\"\nimport _ \"unsafe\"\n//go:linkname nbCell1 nbcell1.main\nfunc nbCell1() { fmt.Println(1) }\n"}})
		if err != nil {
			t.Fatal(err)
		}
		if fi, err := os.Stat(o.File); err != nil || fi.Size() == 0 {
			t.Errorf("%v %v", fi, err)
		}
		t.Logf("compile %v, link %v", o.Compile, o.Link)
	})
	t.Run("compile error", func(t *testing.T) {
		var ce *CommandError
		_, err := h.Builder().Cell(t.Context(), Input{Dir: t.TempDir(), Path: "nbcell2", Files: map[string]string{"run.go": "package main\nvar x int = \"\"\n"}})
		if !errors.As(err, &ce) || ce.Command != "compile" || !strings.Contains(ce.Output, "run.go:2") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		cancel(cause)
		if _, err := h.Builder().Cell(ctx, Input{Dir: t.TempDir(), Path: "nbcell3", Files: map[string]string{"run.go": "package main\n"}}); !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpenRejects(t *testing.T) {
	write := func(t *testing.T, files map[string]string) string {
		dir := t.TempDir()
		for f, s := range files {
			f = filepath.Join(dir, f)
			os.MkdirAll(filepath.Dir(f), 0o755)
			if err := os.WriteFile(f, []byte(s), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", nil, "no session program"},
		{"no folder", map[string]string{"current": "abc"}, "no session program"},
		{"a path", map[string]string{"current": "../abc"}, "named wrongly"},
		{"empty", map[string]string{"current": ""}, "named wrongly"},
		{"rubbish", map[string]string{"current": "a", "a/manifest.json": "{"}, "unreadable manifest"},
		{"old", map[string]string{"current": "a", "a/manifest.json": `{"Format":0}`}, "manifest format 0"},
		{"no Go", map[string]string{"current": "a", "a/manifest.json": `{"Format":3,"Go":{"Root":"/nowhere","Version":"go1.2"}}`}, "go1.2 in /nowhere, which is gone"},
	} {
		_, err := Open(write(t, c.files))
		var stale *StaleError
		if err == nil || !errors.Is(err, ErrNoHost) && !errors.As(err, &stale) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestWriteFilesRejects(t *testing.T) {
	for _, name := range []string{"../x.go", "a/b.go", "x.txt", ""} {
		if _, err := writeFiles(t.TempDir(), map[string]string{name: ""}); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}
