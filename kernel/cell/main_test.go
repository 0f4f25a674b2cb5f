package cell

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// exports returns the export files of the packages that the tests import. It looks them up
// once.
var exports = sync.OnceValues(func() (map[string]string, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}",
		"std", "gonum.org/v1/gonum/mat", testRuntime)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		path, file, _ := strings.Cut(line, " ")
		files[path] = file
	}
	return files, nil
})

const testRuntime = "github.com/gopherpod/gopherpod/kernel/session/rt"

func testConfig(t testing.TB) Config {
	t.Helper()
	files, err := exports()
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Runtime: testRuntime,
		Importer: func(path string) (io.ReadCloser, error) {
			file, ok := files[path]
			if !ok {
				return nil, fmt.Errorf("package %s is not available", path)
			}
			return os.Open(file)
		},
		AutoImports: StdImports(),
	}
}

// A notebook runs cells through Prepare and Commit.
type notebook struct {
	t testing.TB
	*Session
	n    int
	last *Unit
}

func newNotebook(t testing.TB) *notebook {
	return &notebook{t: t, Session: New(testConfig(t))}
}

// run prepares and commits a cell, which must have no errors.
func (nb *notebook) run(src string) *Unit {
	nb.t.Helper()
	nb.n++
	u, err := nb.Prepare(nb.n, src)
	if err != nil {
		nb.t.Fatalf("cell %d:\n%s\n%v", nb.n, src, err)
	}
	nb.Commit(u)
	nb.last = u
	return u
}

// fails prepares a cell, which must have errors, and returns them.
func (nb *notebook) fails(src string) Errors {
	nb.t.Helper()
	nb.n++
	_, err := nb.Prepare(nb.n, src)
	errs, ok := err.(Errors)
	if !ok || len(errs) == 0 {
		nb.t.Fatalf("cell %d:\n%s\ngot error %v, want Errors", nb.n, src, err)
	}
	return errs
}

// has requires that the files of the last unit contain each text.
func (nb *notebook) has(texts ...string) {
	nb.t.Helper()
	all := nb.source()
	for _, text := range texts {
		if !strings.Contains(all, text) {
			nb.t.Errorf("cell %d: no %q in\n%s", nb.n, text, all)
		}
	}
}

// lacks requires that the files of the last unit do not contain a text.
func (nb *notebook) lacks(texts ...string) {
	nb.t.Helper()
	all := nb.source()
	for _, text := range texts {
		if strings.Contains(all, text) {
			nb.t.Errorf("cell %d: %q in\n%s", nb.n, text, all)
		}
	}
}

// source returns all files of the last unit.
func (nb *notebook) source() string {
	var b strings.Builder
	for _, name := range sortedKeys(nb.last.Files) {
		b.WriteString("// " + name + "\n" + nb.last.Files[name])
	}
	return b.String()
}
