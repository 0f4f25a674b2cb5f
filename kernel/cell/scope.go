package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
)

// resetScope fills the scope of package nb with the current objects under the
// user's names. It keeps the *types.Package, because go/types compares packages
// by pointer when it looks up unexported fields.
func (p *plan) resetScope(c *checked) {
	p.s.freshScope()
	scope := p.s.pkg.Scope()
	declared := p.declared()
	for name, sym := range p.next.scope {
		if !declared[name] && p.retyped[name] == nil {
			scope.Insert(sym.obj)
		}
	}
	p.insertDots(scope, declared)
}

// freshScope replaces the contents of package nb's scope, and returns the previous
// contents. The scope itself stays the same, because go/types recognises the
// package level by it.
func (s *Session) freshScope() *types.Scope {
	old := *s.pkg.Scope()
	*s.pkg.Scope() = *types.NewScope(types.Universe, token.NoPos, token.NoPos, "package nb")
	return &old
}

// declared returns the names that the generated files declare at package level.
func (p *plan) declared() map[string]bool {
	out := map[string]bool{}
	for _, list := range [][]*decl{p.fresh, p.follow} {
		for _, d := range list {
			for _, sym := range d.syms {
				if !sym.hidden {
					out[sym.name] = true
				}
			}
		}
	}
	if p.c.program {
		for _, ch := range p.c.stmts {
			for _, name := range varNames(ch) {
				out[name] = true
			}
		}
	}
	return out
}

// insertDots makes the objects of dot imports visible, below all names of the
// notebook. Generated code qualifies them with their package.
func (p *plan) insertDots(scope *types.Scope, declared map[string]bool) {
	if len(p.next.dots) == 0 {
		return
	}
	words := maps.Clone(p.c.words)
	for _, d := range p.follow {
		for _, u := range d.uses {
			if u.dot {
				words[u.name] = true
			}
		}
	}
	for _, d := range p.c.decls {
		delete(words, d.recv) // a receiver must not resolve to a type of another package
	}
	for _, path := range p.next.dots {
		pkg, err := p.s.imp.Import(path)
		if err != nil {
			continue
		}
		for _, name := range pkg.Scope().Names() {
			if ast.IsExported(name) && words[name] && !declared[name] && p.next.imports[name] == nil {
				scope.Insert(pkg.Scope().Lookup(name))
			}
		}
	}
}

// bodyScope fills the package scope of the second call: the cell's variables hide
// earlier objects of the same name.
func (p *plan) bodyScope(c *checked) {
	scope := p.s.pkg.Scope()
	for _, v := range c.hoisted {
		sym := types.NewVar(v.Pos(), p.s.pkg, v.Name(), v.Type())
		scope.Insert(sym)
		c.vars[sym] = c.vars[v]
	}
	for _, name := range c.scope.Names() {
		if name != cellFunc {
			scope.Insert(c.scope.Lookup(name))
		}
	}
}

// hiddenNow reports whether a name no longer belongs to the notebook.
func (p *plan) hiddenNow(name string) bool {
	return p.next.scope[name] == nil && !p.declared()[name]
}

// proxy makes sym visible to the check under a name that nobody can type.
func (p *plan) proxy(sym *symbol) string {
	name := sym.link + prime + "0"
	scope := p.s.pkg.Scope()
	if scope.Lookup(name) != nil {
		return name
	}
	var obj types.Object
	switch o := sym.obj.(type) {
	case *types.Var:
		obj = types.NewVar(o.Pos(), p.s.pkg, name, o.Type())
	case *types.Const:
		obj = types.NewConst(o.Pos(), p.s.pkg, name, o.Type(), o.Val())
	case *types.Func:
		obj = types.NewFunc(o.Pos(), p.s.pkg, name, o.Signature())
	case *types.TypeName:
		tn := types.NewTypeName(o.Pos(), p.s.pkg, name, nil)
		types.NewAlias(tn, o.Type())
		obj = tn
	default:
		return sym.name
	}
	scope.Insert(obj)
	p.objs[obj] = sym
	return name
}
