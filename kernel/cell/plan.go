package cell

import (
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A plan is one Prepare under way: what the cell changes, and what follows from it.
//
// Code that uses a redefined name follows the new version: its function, type or
// constant is declared again, bound to the new version. Otherwise two cells could
// disagree about a name that the user sees once. Code that no longer type-checks
// with the new version keeps the old one (kept), and the user gets a warning.
type plan struct {
	s    *Session
	base *state // the notebook as of the last commit
	next *state // the notebook as of this cell
	c    *source

	links   map[string]bool   // link names that this plan uses
	autos   map[string]string // automatically imported names and their paths
	kept    map[*decl]string  // declarations that keep the old version, and the error that a new one gives
	dropped map[*decl]string  // methods that a new version of their type cannot have, and the error
	fixed   map[string]bool   // link names of variables that must keep their type
	changed map[string]bool   // variables of the cell whose type has changed

	superseded map[*symbol]bool
	redefined  map[string]bool  // names that get a new meaning
	sameText   map[*symbol]bool // superseded types with unchanged text: their memory layout may stay
	following  map[*decl]bool
	fresh      []*decl            // declarations of the cell that are new
	follow     []*decl            // new versions of earlier declarations, including methods
	retyped    map[string]*symbol // variables that follow their type, by name
	objs       map[types.Object]*symbol
}

func (s *Session) newPlan(c *source) *plan {
	return &plan{
		s: s, base: s.state, c: c,
		links: map[string]bool{}, autos: map[string]string{},
		kept: map[*decl]string{}, dropped: map[*decl]string{},
		fixed: map[string]bool{}, changed: map[string]bool{},
	}
}

// currentDecls returns the functions, types and constants in scope. The order is
// stable, so that the same cell always compiles to the same files.
func (p *plan) currentDecls() []*decl {
	seen := map[*decl]bool{}
	var out []*decl
	for _, name := range sortedKeys(p.base.scope) {
		if d := p.base.scope[name].decl; d.kind != varKind && !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}

// arrange decides which declarations the check sees. It starts from scratch each
// time kept, dropped, fixed or changed has grown: one declaration that cannot
// follow may stop any number of others from following. A cell that adds or changes
// methods of an earlier type makes a new version of that type (touched), because Go
// cannot add methods to an existing type.
func (p *plan) arrange() {
	p.superseded, p.sameText, p.redefined = map[*symbol]bool{}, map[*symbol]bool{}, map[string]bool{}
	p.fresh, p.follow, p.retyped = nil, nil, map[string]*symbol{}
	p.following = map[*decl]bool{}
	p.objs = map[types.Object]*symbol{}

	methods := p.methodsByType()
	same := p.unchanged(methods)
	declared := map[string]bool{}
	for _, d := range p.c.decls {
		d.methods = nil
		if d.kind == methodKind || same[d] {
			continue
		}
		p.fresh = append(p.fresh, d)
		for _, sym := range d.syms {
			declared[sym.name] = true
			p.redefined[sym.name] = true
			p.supersede(p.base.scope[sym.name], d)
		}
	}
	for name := range p.changed {
		p.redefined[name] = true
		p.supersede(p.base.scope[name], nil)
	}
	touched := map[*decl]bool{}
	for name, ms := range methods {
		old := p.base.scope[name]
		isType := old != nil && old.decl.kind == typeKind
		if isType && !declared[name] && p.newMethod(old.decl, ms) {
			touched[old.decl] = true
			p.supersede(old, old.decl)
		}
		if !isType || declared[name] || touched[old.decl] {
			p.fresh = append(p.fresh, ms...)
		}
	}
	for _, d := range p.c.decls {
		if d.kind == methodKind && d.recv == "" { // invalid; the check reports it
			p.fresh = append(p.fresh, d)
		}
	}
	p.spread()
	p.versions(methods, touched, declared)
}

// methodsByType groups the methods of the cell by the name of their base type.
func (p *plan) methodsByType() map[string][]*decl {
	out := map[string][]*decl{}
	for _, d := range p.c.decls {
		if d.kind == methodKind && d.recv != "" {
			name := p.baseType(d.recv)
			out[name] = append(out[name], d)
		}
	}
	return out
}

// baseType resolves the notebook's aliases, because methods belong to the type itself.
func (p *plan) baseType(name string) string {
	for range len(p.c.decls) {
		d := p.c.typeDecl(name)
		if d == nil {
			break
		}
		if d.aliasOf == "" {
			return name
		}
		name = d.aliasOf
	}
	if sym := p.base.scope[name]; sym != nil {
		if named, ok := types.Unalias(sym.obj.Type()).(*types.Named); ok {
			if base := p.s.objs[named.Obj()]; base != nil && p.base.scope[base.name] == base {
				return base.name
			}
		}
	}
	return name
}

// typeDecl returns the cell's declaration of the type with that name.
func (c *source) typeDecl(name string) *decl {
	for _, d := range c.decls {
		if d.kind == typeKind && d.name == name {
			return d
		}
	}
	return nil
}

// callsInVars reports whether the program initialises a variable with a call. It
// only looks for a parenthesis: a false positive costs no more than a new version.
func (c *source) callsInVars() bool {
	for _, ch := range c.stmts {
		text := strings.TrimLeft(strings.TrimPrefix(ch.src, "var"), " \t(")
		if ch.first == token.VAR && strings.Contains(text, "(") {
			return true
		}
	}
	return false
}

// unchanged returns the declarations of the cell that repeat what the notebook
// already has. They are not declared again: running a cell twice must not make a
// new type, because values of the old one would no longer fit. A declaration that
// names a changed one counts as changed, so unchanged repeats until it removes no
// more.
func (p *plan) unchanged(methods map[string][]*decl) map[*decl]bool {
	same := map[*decl]bool{}
	if p.c.program && p.c.callsInVars() {
		return same // declare all: the initialisation order depends on what the functions use
	}
	for _, d := range p.c.decls {
		if d.kind != methodKind && p.sameAs(d) != nil && !p.newMethod(p.sameAs(d), methods[d.name]) {
			same[d] = true
		}
	}
	for again := true; again; {
		again = false
		renewed := map[string]bool{}
		for _, d := range p.c.decls {
			if !same[d] {
				for _, sym := range d.syms {
					renewed[sym.name] = true
				}
			}
		}
		for d := range same {
			if !p.stable(p.sameAs(d), renewed) {
				delete(same, d)
				again = true
			}
		}
	}
	return same
}

// sameAs returns the current declaration with the same tokens as d, or nil. Its
// names must all belong to one declaration: a later cell may have replaced part of
// a const group.
func (p *plan) sameAs(d *decl) *decl {
	if len(d.syms) == 0 {
		return nil
	}
	var old *decl
	for _, sym := range d.syms {
		cur := p.base.scope[sym.name]
		if cur == nil || old != nil && cur.decl != old {
			return nil
		}
		old = cur.decl
	}
	if old.kind != d.kind || old.norm != d.norm || len(old.syms) != len(d.syms) {
		return nil
	}
	return old
}

// newMethod reports whether ms contains a method that t lacks or has in another form.
func (p *plan) newMethod(t *decl, ms []*decl) bool {
	for _, m := range ms {
		found := false
		for _, old := range t.methods {
			found = found || old.name == m.name && old.norm == m.norm
		}
		if !found {
			return true
		}
	}
	return false
}

// stable reports whether all names in d still mean what they meant when d was
// compiled. If not, the same text declares something else.
func (p *plan) stable(d *decl, renewed map[string]bool) bool {
	for _, u := range d.allUses {
		if renewed[u.name] {
			return false
		}
		if u.sym != nil && p.next.scope[u.sym.name] != u.sym {
			return false
		}
		if u.imp != nil && !u.dot && (p.next.imports[u.imp.name] == nil || p.next.imports[u.imp.name].path != u.imp.path) {
			return false
		}
	}
	return true
}

// supersede records that old gets a new version, declared by by. A type whose text
// is unchanged keeps its memory layout if the types it names do (see layoutStays).
func (p *plan) supersede(old *symbol, by *decl) {
	if old == nil || p.superseded[old] {
		return
	}
	p.superseded[old] = true
	p.redefined[old.name] = true
	if by != nil && by.kind == typeKind && old.decl.kind == typeKind && by.norm == old.decl.norm {
		p.sameText[old] = true
	}
}

// spread marks everything that depends on a superseded symbol as following. It
// repeats until nothing changes, because what follows is superseded in turn.
func (p *plan) spread() {
	decls := p.currentDecls()
	for again := true; again; {
		again = false
		for _, d := range decls {
			if _, kept := p.kept[d]; kept || p.following[d] || p.replaced(d) {
				continue
			}
			if p.outdated(d) || p.dependsOnSuperseded(d) {
				again = true
				p.following[d] = true
				for _, own := range d.syms {
					p.supersede(own, d)
				}
			}
		}
		for name, sym := range p.base.scope {
			if sym.decl.kind == varKind && !p.superseded[sym] && p.retypable(sym) {
				p.superseded[sym] = true
				p.retyped[name] = sym
				again = true
			}
		}
	}
	p.fixKept(decls)
}

// dependsOnSuperseded reports whether something that d uses gets a new version. A
// declaration that kept an earlier version of a name counts as well: if the version
// that did not fit is replaced by one that does, the declaration has to follow it.
func (p *plan) dependsOnSuperseded(d *decl) bool {
	for sym := range d.deps {
		if p.superseded[sym] || p.redefined[sym.name] && p.base.scope[sym.name] != sym {
			return true
		}
	}
	return false
}

// fixKept removes from retyped the variables that kept code uses: that code was
// compiled with the old type, and a variable has one type. If it removed any,
// it starts over, because fewer variables that follow may mean less kept code.
func (p *plan) fixKept(decls []*decl) {
	if len(p.retyped) == 0 {
		return
	}
	var roots []*symbol
	for _, d := range decls {
		if !p.following[d] && !p.replaced(d) {
			roots = append(roots, d.syms[0])
		}
	}
	again := false
	reach(p.base.vars, roots, func(d *decl) {
		if d.kind != varKind {
			return
		}
		for name, sym := range p.retyped {
			if sym.link == d.syms[0].link {
				p.fixed[sym.link] = true
				delete(p.retyped, name)
				delete(p.superseded, sym)
				again = true
			}
		}
	})
	if again {
		p.spread()
	}
}

// retypable reports whether a variable can follow its type: its type names
// superseded types, and all of these keep their memory layout, so the value in
// the variable's storage stays valid.
func (p *plan) retypable(sym *symbol) bool {
	if p.fixed[sym.link] || sym.decl.inferred {
		return false
	}
	hit := false
	for _, dep := range sym.decl.varDeps {
		if p.superseded[dep] {
			hit = true
			if !p.layoutStays(dep, map[*symbol]bool{}) {
				return false
			}
		}
	}
	return hit
}

// layoutStays reports whether the new version of a superseded type has the same
// memory layout as the old one. Seen stops the recursion at types that refer to
// themselves, which do not change the answer.
func (p *plan) layoutStays(t *symbol, seen map[*symbol]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	if !p.sameText[t] {
		return false
	}
	for _, u := range t.decl.uses { // the uses of the type itself; methods do not affect the layout
		if u.sym != nil && p.superseded[u.sym] && !p.layoutStays(u.sym, seen) {
			return false
		}
	}
	return true
}

// replaced reports whether everything that d declares already gets a new version,
// so that d must not follow as well.
func (p *plan) replaced(d *decl) bool {
	for _, sym := range d.syms {
		if !p.superseded[sym] {
			return false
		}
	}
	return true
}

// versions makes the new versions of touched types and of everything that follows.
func (p *plan) versions(methods map[string][]*decl, touched map[*decl]bool, declared map[string]bool) {
	for _, d := range p.fresh {
		if d.kind == typeKind && len(d.syms) > 0 {
			d.methods = append(d.methods, methods[d.name]...)
			if old := p.base.scope[d.name]; old != nil && old.decl.kind == typeKind {
				p.carry(old.decl, d)
			}
		}
	}
	for _, old := range p.currentDecls() {
		if !p.following[old] && !touched[old] {
			continue
		}
		d := p.clone(old)
		for i, sym := range d.syms {
			sym.hidden = declared[sym.name] || p.base.scope[sym.name] != old.syms[i]
		}
		p.follow = append(p.follow, d)
		if d.kind == typeKind {
			if touched[old] {
				d.methods = append(d.methods, methods[d.name]...)
			}
			p.carry(old, d)
		}
	}
}

// carry adds the methods of an earlier version of a type that the new version
// does not define itself, so that editing a type does not lose its methods.
func (p *plan) carry(old, d *decl) {
	own := map[string]bool{}
	for _, m := range d.methods {
		own[m.name] = true
	}
	for _, m := range old.methods {
		if _, gone := p.dropped[m]; !gone && !own[m.name] {
			c := p.clone(m)
			d.methods = append(d.methods, c)
			p.follow = append(p.follow, c)
		}
	}
}

// clone makes the next version of d, without objects and link names, which it gets
// after the check.
func (p *plan) clone(d *decl) *decl {
	c := *d
	c.uses = slices.Clone(d.uses)
	for i, u := range c.uses {
		if u.imp != nil {
			c.uses[i].imp = p.renewed(u.imp)
		}
	}
	c.prev = d
	c.methods, c.text, c.imps = nil, "", nil
	c.syms = nil
	for _, sym := range d.syms {
		c.syms = append(c.syms, &symbol{name: sym.name, decl: &c})
	}
	return &c
}

// applyImports puts the imports of the cell into next. An import hides an earlier
// variable or function of the same name.
func (p *plan) applyImports() Errors {
	p.next = p.base.clone()
	p.renewImports()
	var errs Errors
	for _, spec := range p.c.imports {
		if spec.path == "C" {
			// The session has already removed C code (package kernel/cgo).
			errs = append(errs, Diagnostic{Cell: p.c.n, Line: spec.line, Col: spec.col, Msg: `import "C" is not possible here`})
			continue
		}
		name := spec.name
		spec.path = p.s.current(spec.path)
		pkg, err := p.s.imp.Import(spec.path)
		if err != nil {
			errs = append(errs, p.s.importError(p.c.n, spec, err))
			continue
		}
		switch name {
		case "":
			name = pkg.Name()
		case "_":
			continue
		case ".":
			if !slices.Contains(p.next.dots, spec.path) {
				p.next.dots = append(p.next.dots, spec.path)
			}
			continue
		}
		p.addImport(name, spec.path)
	}
	return errs
}

// renewImports points the imports of edited packages to their newest copy, which
// has an import path of its own.
func (p *plan) renewImports() {
	for name, imp := range p.next.imports {
		p.next.imports[name] = p.renewed(imp)
	}
	p.next.dots = slices.Clone(p.next.dots)
	for i, path := range p.next.dots {
		p.next.dots[i] = p.s.current(path)
	}
}

// renewed returns the import of the newest copy of imp's package.
func (p *plan) renewed(imp *imported) *imported {
	path := p.s.current(imp.path)
	if path == imp.path {
		return imp
	}
	return &imported{name: imp.name, path: path, emitted: p.s.alias(path)}
}

// outdated reports whether d names a package that has a newer copy, so that d has
// to follow it.
func (p *plan) outdated(d *decl) bool {
	for _, u := range d.allUses {
		if u.imp != nil && p.s.current(u.imp.path) != u.imp.path {
			return true
		}
	}
	return false
}

func (p *plan) addImport(name, path string) {
	if old := p.next.imports[name]; old != nil && old.path == path {
		return
	}
	delete(p.next.scope, name)
	p.next.imports[name] = &imported{name: name, path: path, emitted: p.importLink(name, path)}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
