package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gopherpod/gopherpod/"

// imports says which of our packages a package may import: the direction in
// which knowledge flows. A package that is not listed may import none of ours;
// a trailing slash stands for everything below. Test files may import more.
var imports = map[string][]string{
	"kernel":                    {"kernel/display", "kernel/wire", "kernel/zmtp", "kernel/history"},
	"kernel/kerneltest":         {"kernel", "kernel/wire", "kernel/zmtp"},
	"kernel/cell/celltest":      {"kernel/cell"},
	"kernel/magic":              {"kernel/display"},
	"kernel/session/frame":      {"kernel/display"},
	"kernel/session":            {"kernel", "kernel/display", "kernel/cell", "kernel/cgo", "kernel/build", "kernel/magic", "kernel/session/frame", "kernel/session/notebook", "kernel/session/supervisor"},
	"kernel/session/notebook":   {"kernel/build", "kernel/cell", "kernel/cgo"},
	"kernel/session/supervisor": {"kernel/session/frame"},
	"kernel/session/host":       {"kernel/magic", "kernel/display", "kernel/session/frame", "kernel/session/rt"},
	"kernel/session/rt":         {"kernel/session/rt/lm"},
	"kernel/session/plain":      {"kernel/session/host"},
	"kernel/session/internal/":  {"kernel/display", "kernel/magic", "kernel/session/host"},
	"kernel/setup":              {"kernel", "kernel/build", "kernel/spec"},

	"kernel/check":  {"kernel/secrets"},
	"magics":        {"kernel/check", "kernel/display", "kernel/magic", "runpod", "runpod/dataset", "runpod/deploy", "runpod/export", "runpod/sweep", "runpod/train", "runpod/store", "runpod/store/s3", "worker", "tensors", "magics/render", "runpod/runs", "runpod/track"},
	"magics/render": {"kernel/display", "runpod", "runpod/train", "worker", "tensors"},
	"magics/terminal": {"kernel", "kernel/build", "kernel/check", "kernel/display", "kernel/history", "kernel/keyring", "kernel/magic", "kernel/secrets", "kernel/session", "kernel/setup", "kernel/spec",
		"magics", "magics/render", "runpod", "runpod/dataset", "runpod/dataset/parquet", "runpod/deploy", "runpod/export", "runpod/runs", "runpod/runs/sqlite", "runpod/train",
		"worker", "worker/local/embedded", "worker/local/serve"},
	"magics/session": {"magics", "magics/render", "kernel/session/host"},

	"runpod":                 {"tensors/bigjson"},
	"runpod/deploy":          {"runpod", "runpod/store", "runpod/store/s3"},
	"runpod/export":          {"worker", "tensors"},
	"runpod/track":           {"worker"},
	"runpod/runs/sqlite":     {"runpod/runs"},
	"runpod/runpodtest":      {"runpod"},
	"runpod/dataset":         {"tensors", "tensors/memory"},
	"runpod/dataset/parquet": {"runpod/dataset", "tensors", "tensors/memory"},
	"runpod/store":           {"tensors"},
	"runpod/store/s3":        {"runpod", "runpod/store"},
	"runpod/store/storetest": {"runpod/store", "tensors"},
	"runpod/place":           {"runpod", "runpod/runs", "runpod/store", "runpod/store/s3", "worker"},
	"runpod/sweep":           {"runpod", "runpod/place", "runpod/train", "worker"},
	"runpod/train/traintest": {"runpod", "worker", "worker/local", "tensors"},
	"runpod/transfer":        {"runpod", "runpod/place", "runpod/store", "worker", "tensors", "tensors/bigjson"},
	"runpod/train":           {"runpod", "runpod/export", "runpod/place", "runpod/runs", "runpod/store", "runpod/transfer", "worker", "tensors"},

	"tensors":               {"tensors/bigjson"},
	"worker":                {"tensors", "tensors/bigjson", "worker/contract"},
	"worker/contract/":      {"worker/contract"}, // the command that writes what is made from the tables
	"worker/engine":         {"worker", "worker/address", "worker/engine/sgemm", "tensors", "tensors/bigjson"},
	"worker/local/serve":    {"worker/local", "worker/engine", "worker/address"},
	"worker/local/embedded": {"worker/local", "worker/engine"},
	"worker/local":          {"worker", "worker/engine", "tensors", "tensors/bigjson"},
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
	for from, allowed := range imports {
		if pkg == from || strings.HasSuffix(from, "/") && strings.HasPrefix(pkg, from) {
			if slices.Contains(allowed, imported) {
				return true
			}
		}
	}
	return false
}
