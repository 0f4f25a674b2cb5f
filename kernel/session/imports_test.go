package session

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel/build"
)

// TestImports imports the most widely imported modules, each in its own session, and
// writes docs/imports.md. It needs the module proxy and is slow, so it runs only if
// GOPHERPOD_IMPORTS is set to 1 or to a regular expression that matches paths.
func TestImports(t *testing.T) {
	only := os.Getenv("GOPHERPOD_IMPORTS")
	if only == "" {
		t.Skip("set GOPHERPOD_IMPORTS=1 to run it")
	}
	if only == "1" {
		only = "."
	}
	list, err := os.ReadFile("testdata/imports.txt")
	if err != nil {
		t.Fatal(err)
	}
	mode := build.Mode(os.Getenv("GOPHERPOD_TEST_MODE"))
	var table strings.Builder
	works, all := 0, 0
	for l := range strings.Lines(string(list)) {
		p, use, ok := strings.Cut(strings.TrimSpace(l), " | ")
		if strings.HasPrefix(l, "#") || !ok || !regexp.MustCompile(only).MatchString(p) {
			continue
		}
		all++
		verdict, version := importOne(t, mode, p, use)
		fmt.Printf("%s %s: %s\n", p, version, verdict)
		if verdict == "works" {
			works++
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", p, version, verdict)
	}
	text := fmt.Sprintf("# Imports\n\nWhat happens if a cell imports one of the modules that others import most, in its newest version, and uses it once. Of %d, %d work (%s, %s mode; each within %v on two cores).\n\n"+
		"`GOPHERPOD_IMPORTS=1 go test -timeout 3h -run TestImports ./kernel/session` writes this page; the uses are in `kernel/session/testdata/imports.txt`.\n\n"+
		"| import | version | verdict |\n|---|---|---|\n%s", all, works, time.Now().Format("2 January 2006"), fullHostMode(t, mode), longestImport, table.String())
	if only != "." {
		t.Log(text)
		return
	}
	if err := os.WriteFile("../../docs/imports.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func fullHostMode(t *testing.T, mode build.Mode) build.Mode {
	h := fullHost(t, mode)
	defer h.Close()
	got, _ := h.Mode()
	return got
}

// longestImport is how long an import may take on a machine with two cores that never
// compiled the module: some have over 500 packages, some compile SQLite from C.
const longestImport = 30 * time.Minute

// importOne imports and uses a package in a new session.
func importOne(t *testing.T, mode build.Mode, p, use string) (verdict, version string) {
	s := New(Options{Host: fullHost(t, mode), Dir: t.TempDir()})
	defer s.Close()
	n := &testBook{Session: s, t: t}
	ctx, cancel := context.WithTimeout(context.Background(), longestImport)
	defer cancel()
	r := n.runIn(ctx, fmt.Sprintf("import %s%q\nfmt.Print(%s)", packageName(use), p, use), &record{})
	list, _ := s.book.Modules()
	best := ""
	for _, m := range list {
		if (p == m.Path || strings.HasPrefix(p, m.Path+"/")) && len(m.Path) > len(best) {
			best, version = m.Path, m.Version
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("took longer than %v", longestImport), version
	case r.err != nil:
		why := colours.ReplaceAllString(trace(r.err), "")
		lines := strings.SplitN(why, "\n", 3)
		return "fails: " + strings.ReplaceAll(lines[min(1, len(lines)-1)], "|", "\\|"), version
	}
	return "works", version
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// packageName returns the package name of an import whose path does not contain it.
func packageName(use string) string {
	if strings.HasPrefix(use, "tea.") || strings.HasPrefix(use, "mqtt.") {
		name, _, _ := strings.Cut(use, ".")
		return name + " "
	}
	return ""
}
