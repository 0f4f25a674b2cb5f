package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// withoutMap is how many files a package may have before its comment has to map them:
// as many names as a reader takes in at a glance.
const withoutMap = 6

// fileName finds the names of Go files in a package's comment.
var fileName = regexp.MustCompile(`[\w*]+\.go\b`)

// TestMapsNameEveryFile: a package comment that maps its files, in doc.go or elsewhere,
// names every one of them, with no wildcards, and none that does not exist. Packages of
// more than withoutMap files have a map. Tests and the file with the comment need no
// line.
func TestMapsNameEveryFile(t *testing.T) {
	files := map[string]map[string]bool{} // by folder
	home := map[string]string{}           // by folder: the file with the comment
	comment := map[string]string{}        // by folder
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name() == "shared" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if files[dir] == nil {
			files[dir] = map[string]bool{}
		}
		files[dir][d.Name()] = true
		if text := file.Doc.Text(); text != "" {
			home[dir], comment[dir] = d.Name(), text
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	maps := 0
	for dir, list := range files {
		named := map[string]bool{}
		for _, n := range fileName.FindAllString(comment[dir], -1) {
			named[n] = true
			if !list[n] {
				t.Errorf("%s: the map names %s, which is no file of the package", dir, n)
			}
		}
		if len(named) == 0 && len(list) <= withoutMap {
			continue
		}
		maps++
		for n := range list {
			if !named[n] && n != home[dir] {
				t.Errorf("%s: the map in the package's comment does not name %s", dir, n)
			}
		}
	}
	if maps < 25 {
		t.Fatalf("found %d maps only: the test has lost the tree", maps)
	}
}

// TestTopLevel: the folders at the top are those that the project was founded with, and
// its documentation and measurements. A package that kernel and runpod share is in
// tensors, which is below both.
func TestTopLevel(t *testing.T) {
	want := []string{"bench", "docs", "kernel", "magics", "notebooks", "runpod", "tensors", "worker"}
	list, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.IsDir() && !strings.HasPrefix(d.Name(), ".") && !slices.Contains(want, d.Name()) {
			t.Errorf("folder %s at the top level: want one of %s", d.Name(), strings.Join(want, ", "))
		}
	}
}
