package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// hoist finds the cell's variables: those in the outermost scope of its statements.
func (c *checked) hoist() {
	scope := c.info.Scopes[c.fn.Type]
	for _, name := range scope.Names() {
		if v, ok := scope.Lookup(name).(*types.Var); ok {
			c.hoisted = append(c.hoisted, v)
		}
	}
	slices.SortFunc(c.hoisted, func(a, b *types.Var) int { return int(a.Pos() - b.Pos()) })
}

// hoistProgram finds the package variables of a cell that is a program.
func (c *checked) hoistProgram() {
	for _, pt := range c.own.parts {
		g, ok := pt.node.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			for _, id := range spec.(*ast.ValueSpec).Names {
				if v, ok := c.info.Defs[id].(*types.Var); ok && id.Name != "_" {
					c.hoisted = append(c.hoisted, v)
				}
			}
		}
	}
}

// earlier returns the existing variable that v assigns to, if any, and its type in this
// check, because the type may have a new version.
func (c *checked) earlier(v *types.Var) (*symbol, types.Type) {
	old := c.p.base.scope[v.Name()]
	if old == nil || old.decl.kind != varKind {
		return nil, nil
	}
	if c.p.retyped[v.Name()] != nil && !c.p.c.program {
		return old, c.scope.Lookup(v.Name()).Type()
	}
	return old, old.obj.Type()
}

// varsChanged records the variables whose type has changed. It reports whether
// it found a new one, in which case the plan has to be made again.
func (c *checked) varsChanged() bool {
	news := false
	for _, v := range c.hoisted {
		name := v.Name()
		if c.p.changed[name] || c.p.base.scope[name] == nil {
			continue
		}
		if _, t := c.earlier(v); t == nil || !types.Identical(t, v.Type()) {
			c.p.changed[name] = true
			news = true
		}
	}
	return news
}

// bindVars makes the symbols of the hoisted variables and of the variables that follow
// their type. It returns the new variables in order, and the old storage that nothing
// refers to any more, keyed by the name that has new storage.
func (c *checked) bindVars() (fresh []*symbol, freed map[string]*symbol) {
	p := c.p
	freed = map[string]*symbol{}
	for _, name := range sortedKeys(p.retyped) {
		old := p.retyped[name]
		if obj, ok := c.scope.Lookup(name).(*types.Var); ok {
			c.bind(name, old.link, obj, old.decl.cell, old.pinned)
		}
	}
	for _, v := range c.hoisted {
		name := v.Name()
		old, t := c.earlier(v)
		delete(p.next.imports, name)
		if old != nil && types.Identical(t, v.Type()) {
			if p.retyped[name] == nil {
				p.next.scope[name] = old
			}
			c.vars[v] = p.next.scope[name]
			continue
		}
		if old != nil && !old.pinned {
			freed[name] = old
		}
		obj := types.NewVar(v.Pos(), p.s.pkg, name, v.Type())
		sym := c.bind(name, p.newLink(name, varKind), obj, p.c.n, false)
		c.vars[v] = sym
		fresh = append(fresh, sym)
	}
	for obj := range c.vars { // bodyScope added the variables of the second call before they had symbols
		if c.vars[obj] == nil {
			c.vars[obj] = p.next.scope[obj.Name()]
		}
	}
	return fresh, freed
}

// bind makes the symbol of a variable.
func (c *checked) bind(name, link string, obj *types.Var, cell int, pinned bool) *symbol {
	p := c.p
	d := &decl{kind: varKind, name: name, cell: cell}
	sym := &symbol{name: name, link: link, decl: d, obj: obj, pinned: pinned}
	d.syms = []*symbol{sym}
	p.objs[obj] = sym
	p.next.scope[name] = sym
	p.next.vars[link] = d
	c.declareVar(sym)
	return sym
}

// declareVar sets the text that declares a variable: its type. If the type cannot
// be written, the text stays empty until inferTypes finds an expression of that
// type.
func (c *checked) declareVar(sym *symbol) {
	d := sym.decl
	d.imps = map[string]string{}
	w := &typeWriter{p: c.p, imps: d.imps}
	text, ok := w.text(sym.obj.Type())
	if ok {
		d.varText, d.varDeps = text, w.deps
		return
	}
	d.imps = map[string]string{}
	d.varText, d.varDeps = "", nil
}

// inferred declares a variable by the expression that defines it. The expression
// is compiled but never evaluated. If it has several results, index selects the
// variable's.
func (c *checked) inferred(sym *symbol, pt *part, g *genFile, e ast.Expr, index, results int) {
	rw := c.rewriter(g, pt)
	rw.namesOnly = true
	from, to := rw.off(e.Pos()), rw.end(e)
	rw.walk(e)
	d := sym.decl
	names := slices.Repeat([]string{"_"}, results)
	names[index] = sym.link
	d.inferred = true
	d.varText = strings.Join(names, ", ") + " = " + rw.edits.applyRange(pt.src, from, to)
	d.imps = rw.imps
	for _, u := range rw.uses {
		if u.sym != nil && u.sym != sym {
			d.varDeps = append(d.varDeps, u.sym)
		}
	}
}
