package main

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportedNamesAreDocumented: every exported name of a package that others import
// has a comment, that of a type, function or method begins with its name, and every
// package has one that says what it is.
func TestExportedNamesAreDocumented(t *testing.T) {
	packages := map[string]bool{} // by folder: it has a comment
	names := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name() == "internal" || strings.HasPrefix(d.Name(), ".") || d.Name() == "notebooks") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.Dir(name)
		packages[dir] = packages[dir] || file.Doc.Text() != ""
		if file.Name.Name == "main" {
			return nil
		}
		for _, undocumented := range undocumented(file, &names) {
			t.Errorf("%s: %s", set.Position(undocumented.Pos()), undocumented.Name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, has := range packages {
		if !has {
			t.Errorf("%s: the package has no comment", dir)
		}
	}
	if names < 500 {
		t.Fatalf("looked at %d names only: the test has lost the tree", names)
	}
}

// undocumented are the exported names of a file that have no comment, or another's.
func undocumented(file *ast.File, names *int) (missing []*ast.Ident) {
	check := func(id *ast.Ident, doc *ast.CommentGroup, begins bool) {
		if !id.IsExported() {
			return
		}
		*names++
		text := strings.TrimSpace(doc.Text())
		for _, article := range []string{"A ", "An ", "The "} {
			text = strings.TrimPrefix(text, article)
		}
		var p comment.Parser
		if len(p.Parse(text).Content) == 0 || begins && !strings.HasPrefix(text, id.Name) {
			missing = append(missing, id)
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || exportedReceiver(d) && !wellKnown[d.Name.Name] {
				check(d.Name, d.Doc, true)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					doc := s.Doc
					if doc == nil {
						doc = d.Doc
					}
					check(s.Name, doc, true)
				case *ast.ValueSpec: // a comment of the group, above, or behind
					for _, id := range s.Names {
						doc := s.Doc
						if doc == nil {
							doc = s.Comment
						}
						if doc == nil {
							doc = d.Doc
						}
						check(id, doc, false)
					}
				}
			}
		}
	}
	return missing
}

// wellKnown are methods that say what the standard library's interface of them says.
var wellKnown = map[string]bool{"Error": true, "Unwrap": true, "String": true, "Len": true, "Read": true, "Write": true, "Close": true,
	"MarshalJSON": true, "UnmarshalJSON": true}

func exportedReceiver(d *ast.FuncDecl) bool {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}
