package cell

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strings"
)

// A docCache holds the documentation of packages, read from their source on
// first use. Its Session's mutex guards it.
type docCache struct {
	pkgs map[string]*docPackage
}

type docPackage struct {
	fset *token.FileSet
	doc  *doc.Package
}

// load reads a package's documentation. It returns nil if there is no source.
func (c *docCache) load(dirOf func(string) (string, error), path string) *docPackage {
	if p, ok := c.pkgs[path]; ok {
		return p
	}
	if c.pkgs == nil {
		c.pkgs = map[string]*docPackage{}
	}
	c.pkgs[path] = nil
	if dirOf == nil {
		return nil
	}
	dir, err := dirOf(path)
	if err != nil || dir == "" {
		return nil
	}
	bp, err := build.ImportDir(dir, 0)
	if err != nil {
		return nil
	}
	p := &docPackage{fset: token.NewFileSet()}
	var files []*ast.File
	for _, name := range append(bp.GoFiles, bp.CgoFiles...) {
		if f, err := parser.ParseFile(p.fset, filepath.Join(dir, name), nil, parser.ParseComments); err == nil {
			files = append(files, f)
		}
	}
	mode := doc.Mode(0)
	if path == "builtin" {
		mode = doc.AllDecls
	}
	if p.doc, err = doc.NewFromFiles(p.fset, files, path, mode); err != nil {
		return nil
	}
	c.pkgs[path] = p
	return p
}

// lookup returns the documentation of a package's name, of a method or field of
// owner, or of the package itself.
func (c *docCache) lookup(dirOf func(string) (string, error), path, name, owner string) string {
	p := c.load(dirOf, path)
	if p == nil {
		return ""
	}
	text := p.find(name, owner)
	return strings.TrimSpace(string(p.doc.Text(text)))
}

func (p *docPackage) find(name, owner string) string {
	if name == "" {
		return p.doc.Doc
	}
	if owner == "" {
		if text, ok := funcDoc(p.doc.Funcs, name); ok {
			return text
		}
	}
	for _, t := range p.doc.Types {
		if owner == "" {
			if t.Name == name {
				return t.Doc
			}
			if text, ok := funcDoc(t.Funcs, name); ok {
				return text
			}
			if text, ok := valueDoc(append(t.Consts, t.Vars...), name); ok {
				return text
			}
		} else if t.Name == owner {
			if text, ok := funcDoc(t.Methods, name); ok {
				return text
			}
			return fieldDoc(t.Decl, name)
		}
	}
	text, _ := valueDoc(append(p.doc.Consts, p.doc.Vars...), name)
	return text
}

func funcDoc(list []*doc.Func, name string) (string, bool) {
	for _, f := range list {
		if f.Name == name {
			return f.Doc, true
		}
	}
	return "", false
}

func valueDoc(list []*doc.Value, name string) (string, bool) {
	for _, v := range list {
		for _, n := range v.Names {
			if n != name {
				continue
			}
			for _, spec := range v.Decl.Specs {
				if vs, ok := spec.(*ast.ValueSpec); ok && declares(vs, name) {
					if text := vs.Doc.Text() + vs.Comment.Text(); text != "" {
						return text, true
					}
				}
			}
			return v.Doc, true
		}
	}
	return "", false
}

func declares(vs *ast.ValueSpec, name string) bool {
	for _, id := range vs.Names {
		if id.Name == name {
			return true
		}
	}
	return false
}

// fieldDoc returns the comment of a field or interface method of a type.
func fieldDoc(d *ast.GenDecl, name string) string {
	text := ""
	ast.Inspect(d, func(n ast.Node) bool {
		f, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		for _, id := range f.Names {
			if id.Name == name {
				text = f.Doc.Text() + f.Comment.Text()
			}
		}
		return text == ""
	})
	return text
}

// declaration returns a type's declaration as its package writes it, with only
// exported fields. It returns otherwise if there is no source.
func (c *docCache) declaration(dirOf func(string) (string, error), path, name, otherwise string) string {
	p := c.load(dirOf, path)
	if p == nil {
		return otherwise
	}
	for _, t := range p.doc.Types {
		if t.Name == name {
			var b bytes.Buffer
			if printer.Fprint(&b, p.fset, t.Decl) == nil && strings.Count(b.String(), "\n") < 40 {
				return b.String()
			}
		}
	}
	return otherwise
}
