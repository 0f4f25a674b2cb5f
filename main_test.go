package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gopherpod/gopherpod/"

// imports says which of our packages a package may import: the direction in
// which knowledge flows. A package that is not listed may import none of ours;
// a trailing slash stands for everything below. Test files may import more.
var imports = map[string][]string{
	"tensors/bigjson":     {},
	"tensors":             {"tensors/bigjson"},
	"runpod":              {"tensors/bigjson"},
	"worker":              {"tensors", "tensors/bigjson"},
	"worker/engine":       {"worker", "tensors", "tensors/bigjson"},
	"worker/local":        {"worker", "worker/engine", "tensors", "tensors/bigjson"},
	"runpod/train":        {"runpod", "worker", "tensors", "tensors/bigjson"},
	"kernel":              {"kernel/wire", "kernel/history"},
	"kernel/kerneltest":   {"kernel", "kernel/wire"},
	"kernel/session":      {"kernel", "kernel/cell", "kernel/build", "kernel/magic", "kernel/session/"},
	"kernel/session/host": {"kernel/magic", "kernel/display", "kernel/session/"},
	"magics":              {"kernel/magic", "runpod", "runpod/train", "worker", "tensors", "magics/render"},
	"magics/render":       {"runpod", "runpod/train", "worker", "tensors"},
	"magics/session":      {"magics", "kernel/session/host"},
}

func TestImportsGoOneWay(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		pkg := path.Dir(filepath.ToSlash(name))
		if pkg == "." || strings.HasPrefix(pkg, "bench") || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			ours, ok := strings.CutPrefix(imported, module)
			if ok && !mayImport(pkg, ours) {
				t.Errorf("%s: %s may not import %s", name, pkg, ours)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Fatalf("looked at %d files only: the test has lost the tree", seen)
	}
}

func mayImport(pkg, imported string) bool {
	for _, allowed := range imports[pkg] {
		if imported == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(imported, allowed) {
			return true
		}
	}
	return false
}
