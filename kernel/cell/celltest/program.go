package celltest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// A Program is an ordinary Go program of one file. Run as one cell or as Cells,
// it prints to stdout what "go run" prints.
type Program struct {
	Name   string
	Source string
	// Cells are the declarations of the program, without func main, and then the
	// statements of main, one per cell. Statements that only make sense together stay
	// together: from a defer, a return, a goto or its label on, and all of them where main
	// hides a name of the package.
	Cells []string
}

// ParseProgram reads a program.
func ParseProgram(name, src string) (Program, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return Program{}, err
	}
	p := Program{Name: strings.TrimSuffix(path.Base(name), ".go"), Source: src}
	text := func(from, to token.Pos) string { return src[fset.Position(from).Offset:fset.Position(to).Offset] }
	decls := "package main\n"
	names := map[string]bool{}
	var main *ast.FuncDecl
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			if fn.Name.Name == "main" {
				main = fn
				continue
			}
			names[fn.Name.Name] = true
		}
		if g, ok := d.(*ast.GenDecl); ok {
			declared(g, names)
		}
		from := d.Pos()
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Doc != nil {
			from = fn.Doc.Pos() // with directives
		}
		decls += "\n" + text(from, d.End()) + "\n"
	}
	if main == nil {
		return p, fmt.Errorf("%s: no func main", name)
	}
	p.Cells = append(p.Cells, decls)
	list := main.Body.List
	if hides(list, names) {
		p.Cells = append(p.Cells, "func() "+text(main.Body.Pos(), main.Body.End())+"()")
		return p, nil
	}
	for i, s := range list {
		if together(s) {
			p.Cells = append(p.Cells, text(s.Pos(), list[len(list)-1].End()))
			break
		}
		p.Cells = append(p.Cells, text(list[i].Pos(), list[i].End()))
	}
	return p, nil
}

// declared records the names of a declaration.
func declared(g *ast.GenDecl, names map[string]bool) {
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			names[s.Name.Name] = true
		case *ast.ValueSpec:
			for _, id := range s.Names {
				names[id.Name] = true
			}
		case *ast.ImportSpec:
			if s.Name != nil {
				names[s.Name.Name] = true
			} else {
				names[path.Base(strings.Trim(s.Path.Value, `"`))] = true
			}
		}
	}
	delete(names, "_")
}

// hides reports whether statements declare a name of the package, or one name
// with two meanings.
func hides(list []ast.Stmt, names map[string]bool) bool {
	own := map[string]bool{}
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				for _, e := range s.Lhs {
					own[e.(*ast.Ident).Name] = true
				}
			}
		case *ast.DeclStmt:
			declared(s.Decl.(*ast.GenDecl), own)
		}
	}
	for name := range own {
		if names[name] {
			return true
		}
	}
	return false
}

// together reports whether the statements after s have to be in the same cell.
func together(s ast.Stmt) bool {
	found := false
	ast.Inspect(s, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt, *ast.ReturnStmt:
			found = true
		case *ast.LabeledStmt:
			switch n.Stmt.(type) {
			case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			default: // a goto may jump back to it
				found = true
			}
		case *ast.BranchStmt:
			found = found || n.Tok == token.GOTO
		}
		return !found
	})
	return found
}

// ParsePrograms reads all *.go of a folder. It fails if there is none.
func ParsePrograms(fsys fs.FS, dir string) ([]Program, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no programs in %s", dir)
	}
	var out []Program
	for _, name := range names {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		p, err := ParseProgram(name, string(src))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// FindPrograms reads all programs of one file in a tree; Name is the path below it,
// with a dash for each slash. It leaves out files that are not programs: other
// packages, files with syntax errors, and files that need another file. It fails if
// there is no program.
func FindPrograms(fsys fs.FS) (out []Program, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		p, err := ParseProgram(name, string(src))
		if err == nil && strings.Contains(p.Source, "package main") {
			p.Name = strings.ReplaceAll(strings.TrimSuffix(name, ".go"), "/", "-")
			out = append(out, p)
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("no programs")
	}
	return out, err
}
