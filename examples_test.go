package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// withoutExample are the packages that have no example, each with the reason.
var withoutExample = map[string]string{
	"kernel/session/rt":    "only generated cells call it",
	"kernel/session/rt/lm": "only generated cells call it",
	"runpod/deploy":        "an example is being written",
	"runpod/runs":          "an example is being written",
	"runpod/store/s3":      "an example is being written",
}

// TestEveryPackageHasAnExample: a package that exports something, for other packages than
// those of its own folder, shows its use in an Example function. Examples that need a
// compiler, a keyring or the network have no output, so they are compiled and not run.
func TestEveryPackageHasAnExample(t *testing.T) {
	exports, examples := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name() == "internal" || d.Name() == "shared" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, test := filepath.ToSlash(filepath.Dir(name)), strings.HasSuffix(name, "_test.go")
		if file.Name.Name == "main" {
			return nil
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && test && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example") {
				examples[dir] = true
			}
			if !test && exported(decl) {
				exports[dir] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(exports) < 50 {
		t.Fatalf("found %d packages that export something: the test has lost the tree", len(exports))
	}
	for dir := range exports {
		switch why := withoutExample[dir]; {
		case !examples[dir] && why == "":
			t.Errorf("%s has no example: write one in %s/example_test.go", dir, dir)
		case examples[dir] && why != "":
			t.Logf("%s has an example: take it out of withoutExample", dir)
		}
	}
	for dir := range withoutExample {
		if !exports[dir] {
			t.Errorf("withoutExample names %s, which exports nothing", dir)
		}
	}
}

// exported reports whether a declaration has a name that other packages can use.
func exported(decl ast.Decl) bool {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Recv == nil && d.Name.IsExported()
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					return true
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() {
						return true
					}
				}
			}
		}
	}
	return false
}
