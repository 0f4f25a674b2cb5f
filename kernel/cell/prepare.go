package cell

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// Prepare turns the source of cell n into files to compile. It does not change the
// notebook; Commit does. The error has type Errors and lists all errors of the cell.
func (s *Session) Prepare(n int, src string) (*Unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, errs := s.parse(n, src)
	if len(errs) > 0 {
		return nil, errs.tidy(s.lines, s.languageHint)
	}
	return s.prepare(c, nil)
}

// PrepareCall is Prepare for generated code. The code may use packages by the
// names in imports (name to path), which stay unknown to the notebook.
func (s *Session) PrepareCall(n int, code string, imports map[string]string) (*Unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, errs := parseCell(n, code)
	if len(errs) > 0 {
		return nil, errs
	}
	c.extra = imports
	return s.prepare(c, nil)
}

func (s *Session) parse(n int, src string) (*source, Errors) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	s.lines[n] = strings.Split(src, "\n")
	return parseCell(n, src)
}

// prepare checks a cell and generates its unit. The function more, if not nil,
// adds to the cell's function after the registration of its variables.
func (s *Session) prepare(c *source, more func(*rewritten)) (*Unit, error) {
	p := s.newPlan(c)
	chk, errs := p.settle()
	if len(errs) > 0 {
		return nil, errs.tidy(s.lines, s.languageHint)
	}
	return chk.generate(more)
}

// settle plans and checks the cell until nothing changes any more. The check shows
// what the plan cannot know: which older code no longer type-checks (blame), which
// names need an import (autoImport) and which variables changed type (varsChanged).
// Each of these changes the plan, so a new round begins. In practice there are one to
// three rounds. Each one decides about another declaration, variable or name, so the
// rounds come to an end.
func (p *plan) settle() (*checked, Errors) {
	for {
		decided := p.decided()
		if errs := p.applyImports(); len(errs) > 0 {
			return nil, errs
		}
		p.applyAutos()
		p.arrange()
		c, err := p.check()
		if err != nil {
			if errs, ok := err.(Errors); ok {
				return nil, errs
			}
			return nil, Errors{{Cell: p.c.n, Line: 1, Col: 1, Msg: err.Error()}}
		}
		if e := c.blame(); e != nil {
			if p.decided() > decided {
				continue
			}
			return nil, Errors{{Cell: p.c.n, Line: 1, Col: 1, Msg: "an earlier definition does not fit: " + p.s.describe(*e)}}
		}
		own := c.ownErrors()
		if len(own) > 0 {
			if p.autoImport(own) {
				continue
			}
			return nil, p.hints(own)
		}
		if c.varsChanged() {
			continue
		}
		return c, nil
	}
}

// decided counts what rounds have decided so far.
func (p *plan) decided() int {
	return len(p.kept) + len(p.dropped) + len(p.changed) + len(p.fixed) + len(p.autos)
}

// blame handles errors in older code, which the user did not write in this cell. A
// declaration that no longer type-checks keeps the old version; a method that the new
// version of its type cannot have is dropped. It returns one of the errors, or nil if
// there is none. If it returns one, the plan has to be made again.
func (c *checked) blame() (found *types.Error) {
	for i, e := range c.errs {
		if e.Soft && ignorable(e) {
			continue
		}
		pt := c.old.at(e.Pos)
		if pt == nil {
			continue
		}
		found = &c.errs[i]
		msg := c.p.s.describe(e)
		d := pt.d
		if d.kind != methodKind {
			c.p.kept[d.prev] = msg
			continue
		}
		if owner := c.p.owner(d); owner != nil && c.p.following[owner.prev] {
			c.p.kept[owner.prev] = msg
		} else {
			c.p.dropped[d.prev] = msg
		}
	}
	return found
}

// owner returns the new version of a type that has the method m.
func (p *plan) owner(m *decl) *decl {
	for _, list := range [][]*decl{p.fresh, p.follow} {
		for _, d := range list {
			if slices.Contains(d.methods, m) {
				return d
			}
		}
	}
	return nil
}

// ignorable reports whether a notebook allows what the error is about.
func ignorable(e types.Error) bool {
	if _, ok := unusedAt(e); ok {
		return true
	}
	return e.Soft && strings.HasSuffix(e.Msg, "and not used")
}

// describe returns the position and message of an error on one line.
func (s *Session) describe(e types.Error) string {
	p := s.fset.Position(e.Pos)
	return fmt.Sprintf("%s:%d:%d: %s", p.Filename, p.Line, p.Column, Clean(strings.TrimSpace(firstLine(e.Msg))))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// ownErrors returns the errors of the cell itself.
func (c *checked) ownErrors() Errors {
	var out Errors
	show := c.lastExpr()
	for _, e := range c.errs {
		if _, ok := unusedAt(e); ok {
			c.unused[e.Pos] = true
		}
		if ignorable(e) || c.old.at(e.Pos) != nil {
			continue
		}
		if show != nil && e.Pos == show.Pos() && strings.HasSuffix(e.Msg, "is not used") { // the cell shows it
			continue
		}
		if strings.HasPrefix(e.Msg, "\t") && len(out) > 0 { // a continuation of the previous error
			out[len(out)-1].Hint = c.p.s.describe(e)
			continue
		}
		p := c.p.s.fset.Position(e.Pos)
		d := Diagnostic{Cell: cellNumber(p.Filename), Line: p.Line, Col: p.Column, Msg: firstLine(e.Msg)}
		if d.Cell == 0 {
			d.Cell, d.Line, d.Col = c.p.c.n, 1, 1
		}
		out = append(out, d)
	}
	if tv, ok := c.info.Types[show]; ok && len(out) == 0 && tv.Value != nil {
		out = append(out, c.overflow(show, tv)...)
	}
	return out
}

// overflow reports a final expression whose constant value is too large for its type.
func (c *checked) overflow(e ast.Expr, tv types.TypeAndValue) Errors {
	def, ok := types.Default(tv.Type).(*types.Basic)
	if !ok || def.Info()&types.IsInteger == 0 || representable(tv.Value, def) {
		return nil
	}
	p := c.p.s.fset.Position(e.Pos())
	return Errors{{Cell: c.p.c.n, Line: p.Line, Col: p.Column, Msg: fmt.Sprintf("constant %s overflows %s", tv.Value, def)}}
}

// lastExpr returns the last statement of the cell if it is an expression, else nil.
func (c *checked) lastExpr() ast.Expr {
	if c.fn == nil || len(c.fn.Body.List) == 0 {
		return nil
	}
	if s, ok := c.fn.Body.List[len(c.fn.Body.List)-1].(*ast.ExprStmt); ok {
		return s.X
	}
	return nil
}

// A rewritten is a cell that has been rewritten for the compiler, from which unit renders the files.
type rewritten struct {
	c     *checked
	body  strings.Builder // body of the cell's function
	imps  map[string]string
	roots []*symbol
	vars  []*symbol // to register
}

// generate makes the unit of a checked cell.
func (c *checked) generate(more func(*rewritten)) (*Unit, error) {
	p := c.p
	p.bindDecls(c)
	vars, freed := c.bindVars()
	c.freed = freed
	c.fillSlots()
	for _, g := range []*genFile{c.own, c.old} {
		for _, pt := range g.parts {
			if pt.d != nil && pt.node != nil {
				c.rewriteDecl(g, pt)
			}
		}
	}
	w := &rewritten{c: c, imps: map[string]string{}, vars: vars}
	for _, name := range sortedKeys(p.retyped) {
		w.vars = append(w.vars, p.next.scope[name])
	}
	for _, d := range p.fresh { // for example a variable whose name is now a function's
		for _, sym := range d.syms {
			if old := p.base.scope[sym.name]; old != nil && old.decl.kind == varKind && !old.pinned {
				w.zero(old)
			}
		}
	}
	if p.c.program {
		w.program()
	}
	w.statements()
	if len(c.embedErrs) > 0 {
		return nil, c.embedErrs.tidy(p.s.lines, p.s.languageHint)
	}
	for _, sym := range vars {
		if sym.decl.varText == "" && more == nil {
			return nil, Errors{c.unwritable(sym)}.tidy(p.s.lines, p.s.languageHint)
		}
	}
	if more != nil {
		more(w)
	}
	return w.unit(), nil
}

func (c *checked) unwritable(sym *symbol) Diagnostic {
	pos := c.p.s.fset.Position(sym.obj.Pos())
	return Diagnostic{Cell: c.p.c.n, Line: pos.Line, Col: pos.Column,
		Msg:  fmt.Sprintf("%s cannot be kept: its type %s has no name here", sym.name, typeString(sym.obj.Type())),
		Hint: "use it inside of a block or function"}
}

// bindDecls gives new declarations their link names and objects, and adds them to
// the scope.
func (p *plan) bindDecls(c *checked) {
	for _, list := range [][]*decl{p.fresh, p.follow} {
		for _, d := range list {
			for _, sym := range d.syms {
				name := sym.name
				if sym.hidden {
					name += prime + "0"
				}
				sym.link = p.newLink(sym.name, d.kind)
				sym.obj = c.scope.Lookup(name)
				p.objs[sym.obj] = sym
				if !sym.hidden {
					p.next.scope[sym.name] = sym
					delete(p.next.imports, sym.name)
				}
			}
		}
	}
}

// rewriteDecl makes the text of a declaration for the compiler.
func (c *checked) rewriteDecl(g *genFile, pt *part) {
	r := c.rewriter(g, pt)
	r.walk(pt.node)
	d := pt.d
	d.text, d.imps = r.edits.apply(pt.src), r.imps
	d.uses = slices.DeleteFunc(r.uses, func(u use) bool { return u.off < 0 && u.sym == nil })
	maps.Copy(c.pinned, r.pinned)
}

// statements writes the statements of the cell in order.
func (w *rewritten) statements() {
	list := w.c.fn.Body.List
	for i, s := range list {
		pt := w.c.own.at(s.Pos())
		if pt == nil {
			continue
		}
		r := w.c.rewriter(w.c.own, pt)
		r.topStmt(s, i == len(list)-1)
		w.body.WriteString(lineDirective(w.c.p.c.n, pt.ch.line, pt.ch.col))
		w.body.WriteString(r.edits.apply(pt.src) + "\n")
		w.take(r)
	}
}

// take adds the imports and symbols that a statement uses.
func (w *rewritten) take(r *rewriter) {
	maps.Copy(w.imps, r.imps)
	maps.Copy(w.c.pinned, r.pinned)
	for _, u := range r.uses {
		if u.sym != nil {
			w.roots = append(w.roots, u.sym)
		}
	}
}

func (w *rewritten) zero(sym *symbol) {
	fmt.Fprintf(&w.body, "nbrt__.Zero(&%s)\n", sym.link)
	w.roots = append(w.roots, sym)
}

// program writes the initialisation of package variables in Go's order.
func (w *rewritten) program() {
	specs := map[ast.Expr]*ast.ValueSpec{}
	for _, pt := range w.c.own.parts {
		g, ok := pt.node.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for _, e := range v.Values {
				specs[e] = v
			}
			if len(v.Values) == 0 {
				for _, id := range v.Names {
					if sym := w.c.symbolOf(w.c.info.Defs[id]); sym != nil {
						if stmt, ok := w.c.embedded(id.Name, sym); ok {
							w.body.WriteString(stmt + "\n")
							w.roots = append(w.roots, sym)
						} else {
							w.zero(sym)
						}
					}
				}
			}
		}
	}
	for _, init := range w.c.info.InitOrder {
		if v := specs[init.Rhs]; v != nil {
			w.initVar(init, v)
		}
	}
}

func (w *rewritten) initVar(init *types.Initializer, v *ast.ValueSpec) {
	pt := w.c.own.at(init.Rhs.Pos())
	r := w.c.rewriter(w.c.own, pt)
	var names []string
	blank := true
	for _, obj := range init.Lhs {
		if sym := w.c.symbolOf(obj); sym != nil {
			names = append(names, sym.link)
			w.roots = append(w.roots, sym)
			blank = false
		} else {
			names = append(names, "_")
		}
	}
	lhs := strings.Join(names, ", ")
	if blank && v.Type != nil {
		r.walk(v.Type)
		lhs = "var _ " + r.edits.applyRange(pt.src, r.off(v.Type.Pos()), r.end(v.Type))
	}
	r.walk(init.Rhs)
	r.inferTypes(exprs(v.Names), v.Values)
	p := w.c.p.s.fset.Position(init.Rhs.Pos())
	w.body.WriteString(lineDirective(w.c.p.c.n, p.Line, p.Column))
	fmt.Fprintf(&w.body, "%s = %s%s\n", lhs, r.mark(init.Rhs.Pos()), r.edits.applyRange(pt.src, r.off(init.Rhs.Pos()), r.end(init.Rhs)))
	w.take(r)
}

// warnings describes older code that kept the old version.
func (p *plan) warnings() []string {
	var out []string
	for d, msg := range p.kept {
		out = append(out, fmt.Sprintf("%s (In[%d]) still uses the earlier definitions: %s", d.syms[0].name, d.cell, msg))
	}
	for m, msg := range p.dropped {
		out = append(out, fmt.Sprintf("method %s.%s (In[%d]) is gone: %s", m.recv, m.name, m.cell, msg))
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}
