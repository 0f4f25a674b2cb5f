package cell

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// A part is a piece of the user's text in a generated file: a declaration or a
// statement.
type part struct {
	d    *decl // set for declarations
	ch   chunk // set for statements
	base int   // offset of the text in the file
	src  string
	node ast.Node
}

// A genFile is a file generated for the type check.
type genFile struct {
	text  strings.Builder
	parts []*part
	ast   *ast.File
	tok   *token.File
}

func (g *genFile) add(pt *part, cell, line, col int) {
	g.text.WriteString(lineDirective(cell, line, col))
	pt.base = g.text.Len()
	g.text.WriteString(pt.src)
	g.text.WriteByte('\n')
	g.parts = append(g.parts, pt)
}

// at returns the part that contains pos.
func (g *genFile) at(pos token.Pos) *part {
	if g.tok == nil || int(pos) < g.tok.Base() || int(pos) > g.tok.Base()+g.tok.Size() {
		return nil
	}
	off := int(pos) - g.tok.Base()
	for _, pt := range g.parts {
		if off >= pt.base && off <= pt.base+len(pt.src) {
			return pt
		}
	}
	return nil
}

// A checked is the result of checking a plan.
type checked struct {
	p       *plan
	own     *genFile // the cell
	old     *genFile // earlier declarations that follow a redefinition
	fn      *ast.FuncDecl
	info    *types.Info
	scope   *types.Scope // package scope of the first call
	errs    []types.Error
	hoisted []*types.Var
	vars    map[types.Object]*symbol // hoisted variables
	unused  map[token.Pos]bool       // unused variables and labels
	locals  map[token.Pos]string     // names given to function-local types
	freed   map[string]*symbol       // old storage to clear, keyed by the name that has new storage
	pinned  map[*symbol]bool
	slots   []slotInit // set at the start of the cell

	embeds    map[string][]string // patterns of go:embed and their files
	embedFile strings.Builder     // the variables that they initialize
	embedErrs Errors
}

// cellFunc names the function that holds the cell's statements during the check.
const cellFunc = "nbCell__"

func newInfo() *types.Info {
	return &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{},
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Scopes: map[ast.Node]*types.Scope{},
	}
}

// check runs go/types over the plan, in up to two calls of one Checker.
//
// Why two: function bodies may use the cell's variables as package variables,
// but the types of these variables come from the statements, which call the
// functions. The first call therefore sees types, constants, signatures and
// the statements, with empty function bodies, and finds the variables' types.
// The variables then join the package scope, and the second call checks the
// bodies. A cell that is an ordinary program has package variables already and
// needs one call.
func (p *plan) check() (c *checked, err error) {
	c = &checked{p: p, own: &genFile{}, old: &genFile{}, info: newInfo(), vars: map[types.Object]*symbol{},
		unused: map[token.Pos]bool{}, locals: map[token.Pos]string{}, pinned: map[*symbol]bool{}, embeds: map[string][]string{}}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the type checker failed: %v", r)
		}
	}()
	p.resetScope(c)
	p.writeOwn(c)
	p.writeOld(c)
	if err := p.parseGenerated(c); err != nil {
		return nil, err
	}
	restore := p.renameOld(c)
	defer restore()

	conf := &types.Config{GoVersion: p.s.language(), Importer: p.s.imp, Sizes: sizes, Error: func(err error) {
		if te, ok := err.(types.Error); ok {
			c.errs = append(c.errs, te)
		}
	}}
	checker := types.NewChecker(conf, p.s.fset, p.s.pkg, c.info)
	files := c.files()
	if p.c.program {
		_ = checker.Files(files)
		c.scope = p.s.pkg.Scope()
		c.hoistProgram()
		return c, nil
	}
	_ = checker.Files(c.mapDecls(files, signatureOnly))
	c.scope = p.s.pkg.Scope()
	c.hoist()
	if hasBodies(files) {
		c.scope = p.s.freshScope()
		p.bodyScope(c)
		n := len(c.errs)
		_ = checker.Files(c.mapDecls(files, bodyOnly))
		c.errs = append(c.errs[:n], withoutRepeats(c.errs[n:])...)
	}
	return c, nil
}

func (c *checked) files() []*ast.File {
	files := []*ast.File{c.own.ast}
	if c.old.ast != nil {
		files = append(files, c.old.ast)
	}
	return files
}

// writeOwn writes the file of the cell itself.
func (p *plan) writeOwn(c *checked) {
	g := c.own
	declared := p.declared()
	g.text.WriteString("package main\n")
	for _, name := range sortedKeys(p.next.imports) {
		if p.c.words[name] && p.next.scope[name] == nil && !declared[name] {
			fmt.Fprintf(&g.text, "import %s %q\n", name, p.next.imports[name].path)
		}
	}
	for _, name := range sortedKeys(p.c.extra) {
		fmt.Fprintf(&g.text, "import %s %q\n", name, p.c.extra[name])
	}
	for _, d := range p.fresh {
		g.add(&part{d: d, src: d.src}, d.cell, d.line, d.col)
	}
	stmts := p.c.stmts
	if p.c.program {
		stmts = nil
		for _, ch := range p.c.stmts {
			if ch.first == token.VAR {
				g.add(&part{ch: ch, src: ch.src}, p.c.n, ch.line, ch.col)
			} else {
				stmts = append(stmts, ch)
			}
		}
	}
	g.text.WriteString("func " + cellFunc + "() {\n")
	for _, ch := range stmts {
		g.add(&part{ch: ch, src: ch.src}, p.c.n, ch.line, ch.col)
	}
	g.text.WriteString("}\n")
}

// writeOld writes the file of the earlier code that follows a redefinition:
// declarations, and variables whose type has a new version. It is a separate
// file so that blame can tell errors in older code from errors in the cell.
func (p *plan) writeOld(c *checked) {
	g := c.old
	if len(p.follow) == 0 && len(p.retyped) == 0 {
		return
	}
	g.text.WriteString("package main\n")
	imps := map[string]string{}
	var vars strings.Builder
	declared := p.declared()
	for _, name := range sortedKeys(p.retyped) {
		if declared[name] {
			continue
		}
		w := &typeWriter{p: p, imps: imps, check: true}
		text, ok := w.text(p.retyped[name].obj.Type())
		if !ok {
			text = "struct{}"
		}
		fmt.Fprintf(&vars, "var %s %s\n", name, text)
	}
	for _, d := range p.follow {
		for _, u := range d.uses {
			if u.imp != nil {
				imps[p.s.alias(u.imp.path)] = u.imp.path
			}
		}
	}
	for _, name := range sortedKeys(imps) {
		fmt.Fprintf(&g.text, "import %s %q\n", name, imps[name])
	}
	g.text.WriteString(vars.String())
	for _, d := range p.follow {
		g.add(&part{d: d, src: d.src}, d.cell, d.line, d.col)
	}
}

func (p *plan) parseGenerated(c *checked) error {
	for _, g := range []*genFile{c.own, c.old} {
		if g.text.Len() == 0 {
			continue
		}
		f, err := parser.ParseFile(p.s.fset, "", g.text.String(), parser.SkipObjectResolution)
		if err != nil {
			return syntaxErrors(p.c.n, err)
		}
		g.ast, g.tok = f, p.s.fset.File(f.FileStart)
		c.assign(g)
		p.shieldTypes(f)
	}
	return nil
}

// shieldTypes parenthesizes T in "type Name T" if an earlier cell declared T.
// Without the parentheses go/types looks for T's declaration in the files that
// it checks, and there is none: earlier cells exist only as objects.
func (p *plan) shieldTypes(f *ast.File) {
	declared := p.declared()
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, spec := range g.Specs {
			t := spec.(*ast.TypeSpec)
			if id, ok := t.Type.(*ast.Ident); ok && !declared[id.Name] {
				t.Type = &ast.ParenExpr{Lparen: id.Pos(), X: id, Rparen: id.End()}
			}
		}
	}
}

// assign connects each part to its syntax node.
func (c *checked) assign(g *genFile) {
	note := func(n ast.Node) {
		if pt := g.at(n.Pos()); pt != nil {
			pt.node = n
		}
	}
	for _, d := range g.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && isCellFunc(f) {
			c.fn = f
			for _, s := range f.Body.List {
				note(s)
			}
			continue
		}
		note(d)
	}
}

// renameOld renames identifiers in older code to the names by which the check knows
// their objects. The cell may give a name another meaning (fmt may be a variable
// now), but older code keeps its meaning. The returned function restores the names,
// because the text is rewritten from them later.
func (p *plan) renameOld(c *checked) func() {
	names := map[token.Pos]string{}
	for _, pt := range c.old.parts {
		prev := pt.d.prev
		for _, u := range pt.d.uses {
			pos := token.Pos(c.old.tok.Base() + pt.base + u.off)
			switch {
			case u.imp != nil && u.dot:
			case u.imp != nil:
				names[pos] = p.s.alias(u.imp.path)
			case u.sym != nil:
				if own := ownSymbol(prev, pt.d, u.sym); own != nil && own.hidden {
					names[pos] = own.name + prime + "0"
				} else if own == nil && p.hiddenNow(u.sym.name) {
					names[pos] = p.proxy(u.sym)
				}
			}
		}
	}
	type old struct {
		id   *ast.Ident
		name string
	}
	var olds []old
	if c.old.ast != nil && len(names) > 0 {
		ast.Inspect(c.old.ast, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && names[id.Pos()] != "" {
				olds = append(olds, old{id, id.Name})
				id.Name = names[id.Pos()]
			}
			return true
		})
	}
	return func() {
		for _, o := range olds {
			o.id.Name = o.name
		}
	}
}

// ownSymbol returns d's symbol for sym if prev, the earlier version of d, declared sym.
func ownSymbol(prev, d *decl, sym *symbol) *symbol {
	if prev == nil {
		return nil
	}
	for i, s := range prev.syms {
		if s == sym && i < len(d.syms) {
			return d.syms[i]
		}
	}
	return nil
}

// mapDecls copies files with changed declarations; a nil declaration is dropped.
// Imports are kept, except if the cell made their name a variable: go/types rejects
// a package variable with the name of an import.
func (c *checked) mapDecls(files []*ast.File, change func(ast.Decl) ast.Decl) []*ast.File {
	vars := map[string]bool{}
	for _, v := range c.hoisted {
		vars[v.Name()] = true
	}
	var out []*ast.File
	for _, f := range files {
		copied := *f
		copied.Decls = nil
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
				if vars[g.Specs[0].(*ast.ImportSpec).Name.Name] {
					continue
				}
			} else if d = change(d); d == nil {
				continue
			}
			copied.Decls = append(copied.Decls, d)
		}
		out = append(out, &copied)
	}
	return out
}

// signatureOnly replaces a function's body with an endless loop, which is valid
// whatever the results: a terminating statement needs no return.
func signatureOnly(d ast.Decl) ast.Decl {
	f, ok := d.(*ast.FuncDecl)
	if !ok || isCellFunc(f) {
		return d
	}
	c := *f
	at := f.Body.Lbrace
	forever := &ast.ForStmt{For: at, Body: &ast.BlockStmt{Lbrace: at, Rbrace: at}}
	c.Body = &ast.BlockStmt{Lbrace: at, List: []ast.Stmt{forever}, Rbrace: f.Body.Rbrace}
	return &c
}

// bodyOnly declares a function a second time, without its name, so that its body
// is checked without a "redeclared" error.
func bodyOnly(d ast.Decl) ast.Decl {
	f, ok := d.(*ast.FuncDecl)
	if !ok || isCellFunc(f) {
		return nil
	}
	if f.Recv != nil {
		return f
	}
	c := *f
	c.Name = &ast.Ident{NamePos: f.Name.NamePos, Name: "_"}
	return &c
}

func isCellFunc(f *ast.FuncDecl) bool { return f.Recv == nil && f.Name.Name == cellFunc }

func hasBodies(files []*ast.File) bool {
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && !isCellFunc(fn) {
				return true
			}
		}
	}
	return false
}

// withoutRepeats drops the "already declared" errors of methods: the second call
// declares them again, and a method cannot be nameless.
func withoutRepeats(errs []types.Error) []types.Error {
	var out []types.Error
	for _, e := range errs {
		if strings.HasPrefix(e.Msg, "method ") && strings.Contains(e.Msg, " already declared") {
			continue
		}
		out = append(out, e)
	}
	return out
}

// varNames returns the names that a var statement declares.
func varNames(ch chunk) []string {
	if ch.first != token.VAR {
		return nil
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", "package main\n"+ch.src, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	var out []string
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			for _, s := range g.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					for _, id := range v.Names {
						out = append(out, id.Name)
					}
				}
			}
		}
	}
	return out
}

// importError returns the diagnostic for a package that cannot be imported.
func (s *Session) importError(n int, spec importSpec, err error) Diagnostic {
	msg := err.Error()
	if !strings.HasPrefix(strings.TrimPrefix(msg, "package "), spec.path) {
		msg = strconv.Quote(spec.path) + ": " + msg
	}
	return Diagnostic{Cell: n, Line: spec.line, Col: spec.col, Msg: "cannot import " + msg}
}
