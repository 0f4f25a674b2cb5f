package cell

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// A source is a parsed cell.
type source struct {
	n       int
	imports []importSpec
	decls   []*decl // without uses and links
	stmts   []chunk
	// program is set if the cell is an ordinary file of package main, with only
	// declarations. Its variables are initialised in Go's order.
	program bool
	words   map[string]bool   // identifiers in the cell
	extra   map[string]string // additional imports, name to path
	// bare has errors about the functions without a body. If a cell has several of them and
	// nothing that could call them, it lists an API, as gophernotes' notebooks do; then the
	// functions are left out and the errors dropped.
	bare   Errors
	bodies bool // some functions have a body
	embeds []embed
}

// An importSpec is one import of a cell; name is empty if none is written.
type importSpec struct {
	name, path string
	line, col  int
}

// parseCell splits and parses a cell. It reports all syntax errors at once.
func parseCell(n int, src string) (*source, Errors) {
	chunks, errs := split(n, src)
	if len(errs) > 0 {
		return nil, errs
	}
	c := &source{n: n, words: map[string]bool{}}
	toks, _, _ := scan(n, src)
	for _, t := range toks {
		if t.kind == token.IDENT {
			c.words[t.lit] = true
		}
	}
	var packageClause, other bool
	var mainCall *chunk
	for i, ch := range chunks {
		switch ch.kind {
		case packageChunk:
			if i > 0 {
				errs = append(errs, Diagnostic{Cell: n, Line: ch.line, Col: ch.col, Msg: "syntax error: package clause must come first"})
			}
			packageClause = true
		case importChunk:
			errs = append(errs, c.addImports(ch)...)
		case declChunk:
			errs = append(errs, c.addDecls(ch, &mainCall)...)
		default:
			errs = append(errs, checkStmt(n, ch)...)
			other = other || ch.first != token.VAR
			c.stmts = append(c.stmts, ch)
		}
	}
	if len(c.bare) == 1 || c.bodies || len(c.stmts) > 0 {
		errs = append(errs, c.bare...)
	}
	errs = append(errs, c.addEmbeds(src)...)
	c.program = (packageClause || mainCall != nil) && !other
	if mainCall != nil {
		c.stmts = append(c.stmts, *mainCall)
	}
	return c, errs
}

// parseChunk parses a chunk as a top-level declaration of a file.
func parseChunk(n int, ch chunk) (*ast.File, *token.FileSet, string, Errors) {
	fset := token.NewFileSet()
	text := "package main\n" + lineDirective(n, ch.line, ch.col) + ch.src + "\n"
	f, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, "", syntaxErrors(n, err)
	}
	return f, fset, text, nil
}

func (c *source) addImports(ch chunk) Errors {
	f, fset, _, errs := parseChunk(c.n, ch)
	if errs != nil {
		return errs
	}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		p := fset.Position(spec.Path.Pos())
		if err != nil || path == "" {
			errs = append(errs, Diagnostic{Cell: c.n, Line: p.Line, Col: p.Column, Msg: "invalid import path " + spec.Path.Value})
			continue
		}
		is := importSpec{path: path, line: p.Line, col: p.Column}
		if spec.Name != nil {
			is.name = spec.Name.Name
		}
		c.imports = append(c.imports, is)
	}
	return errs
}

// addDecls adds the declarations of a chunk. A group of types is split; a group
// of constants stays whole because of iota. func init becomes a statement, and
// the call of func main comes after all others.
func (c *source) addDecls(ch chunk, mainCall **chunk) Errors {
	f, fset, text, errs := parseChunk(c.n, ch)
	if errs != nil {
		return errs
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p := fset.Position(d.Name.Pos())
			if d.Body == nil {
				c.bare = append(c.bare, Diagnostic{Cell: c.n, Line: p.Line, Col: p.Column, Msg: "missing function body"})
				continue
			}
			c.bodies = true
			if d.Recv == nil && d.Name.Name == "init" && d.Type.Params.NumFields() == 0 && d.Type.Results == nil && d.Type.TypeParams == nil {
				c.stmts = append(c.stmts, initCall(ch, ch.src))
				continue
			}
			if d.Recv == nil && d.Name.Name == "main" {
				*mainCall = &chunk{src: "main()", line: ch.line, col: ch.col, semi: true}
			}
			c.decls = append(c.decls, c.funcDecl(ch, d))
		case *ast.GenDecl:
			c.genDecl(ch, d, fset, text)
		}
	}
	return errs
}

// initCall turns "func init() {...}" into a statement of the same width, so that columns stay right.
func initCall(ch chunk, src string) chunk {
	ch.kind = stmtChunk
	ch.src = strings.Replace(src, "init", "    ", 1) + "()"
	ch.semi = true
	return ch
}

func (c *source) newDecl(k kind, name string, ch chunk, src string) *decl {
	return &decl{kind: k, name: name, cell: c.n, line: ch.line, col: ch.col, src: src, norm: normalize(src)}
}

func (c *source) funcDecl(ch chunk, f *ast.FuncDecl) *decl {
	d := c.newDecl(funcKind, f.Name.Name, ch, ch.src)
	d.generic = f.Type.TypeParams != nil
	d.pragma = ch.pragma
	d.norm = d.pragma + d.norm
	if f.Recv == nil {
		d.declare(f.Name)
		return d
	}
	d.kind = methodKind
	if id := receiverBase(f); id != nil {
		d.recv = id.Name
	}
	return d
}

func (c *source) genDecl(ch chunk, g *ast.GenDecl, fset *token.FileSet, text string) {
	if g.Tok == token.CONST {
		d := c.newDecl(constKind, "const", ch, ch.src)
		for _, spec := range g.Specs {
			for _, id := range spec.(*ast.ValueSpec).Names {
				d.declare(id)
			}
		}
		c.decls = append(c.decls, d)
		return
	}
	for _, spec := range g.Specs {
		t := spec.(*ast.TypeSpec)
		src, at := ch.src, ch
		if g.Lparen.IsValid() {
			p := fset.Position(t.Pos())
			from, to := fset.PositionFor(t.Pos(), false).Offset, fset.PositionFor(t.End(), false).Offset
			src = "type " + lineMark(c.n, p.Line, p.Column) + text[from:to]
			at.line, at.col = p.Line, 1
		}
		d := c.newDecl(typeKind, t.Name.Name, at, src)
		d.generic = t.TypeParams != nil
		if t.Assign.IsValid() {
			if id := baseIdent(t.Type); id != nil {
				d.aliasOf = id.Name
			}
		}
		d.declare(t.Name)
		c.decls = append(c.decls, d)
	}
}

// declare adds the name that d declares, unless it is blank.
func (d *decl) declare(id *ast.Ident) {
	if id.Name != "_" {
		d.syms = append(d.syms, &symbol{name: id.Name, decl: d})
	}
}

// receiverBase returns the name of a method's base type, or nil if it has none.
func receiverBase(f *ast.FuncDecl) *ast.Ident {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return nil
	}
	return baseIdent(f.Recv.List[0].Type)
}

// baseIdent returns the name in a type such as *T[A], or nil if there is none.
func baseIdent(t ast.Expr) *ast.Ident {
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x
		default:
			return nil
		}
	}
}

// checkStmt reports the syntax errors of a statement.
func checkStmt(n int, ch chunk) Errors {
	text := "package main\nfunc _() {\n" + lineDirective(n, ch.line, ch.col) + ch.src + "\n}\n"
	if _, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution); err != nil {
		return syntaxErrors(n, err)
	}
	return nil
}

// Imports lists the import paths in the source of a cell, so that they can be
// made available before Prepare. It returns none for a cell with syntax errors.
func Imports(src string) []string {
	c, errs := parseCell(0, strings.ReplaceAll(src, "\r\n", "\n"))
	if len(errs) > 0 {
		return nil
	}
	var out []string
	for _, imp := range c.imports {
		out = append(out, imp.path)
	}
	return out
}
