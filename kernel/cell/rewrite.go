package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// A rewriter turns one piece of the user's text into text for the compiler.
type rewriter struct {
	c         *checked
	g         *genFile
	pt        *part
	edits     edits
	uses      []use
	imps      map[string]string // import names used -> paths
	namesOnly bool              // rewrite only names, do not instrument
	lits      int               // depth of nested function literals
	pinned    map[*symbol]bool

	inList  map[ast.Stmt]bool // statements in a list, after which others can be inserted
	inComm  map[ast.Node]bool // sends and receives of a select
	skipped map[ast.Node]bool
	targets map[ast.Expr]bool // expressions that are assigned to or whose address is taken
}

func (c *checked) rewriter(g *genFile, pt *part) *rewriter {
	return &rewriter{c: c, g: g, pt: pt, imps: map[string]string{}, pinned: map[*symbol]bool{},
		inList: map[ast.Stmt]bool{}, inComm: map[ast.Node]bool{}, skipped: map[ast.Node]bool{}, targets: map[ast.Expr]bool{}}
}

// off returns the offset of pos in the part's text.
func (r *rewriter) off(pos token.Pos) int { return int(pos) - r.g.tok.Base() - r.pt.base }

// end returns the offset after a node.
func (r *rewriter) end(n ast.Node) int { return r.off(n.End()) }

// mark returns a line mark for pos.
func (r *rewriter) mark(pos token.Pos) string {
	p := r.c.p.s.fset.Position(pos)
	n := cellNumber(p.Filename)
	if n == 0 || p.Column < 1 {
		return ""
	}
	return lineMark(n, p.Line, p.Column)
}

// walk rewrites everything below n.
func (r *rewriter) walk(n ast.Node) {
	if n == nil {
		return
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil || r.skipped[n] {
			return false
		}
		r.target(n)
		switch n := n.(type) {
		case *ast.Ident:
			r.ident(n)
			return true
		case *ast.SelectorExpr:
			return r.selector(n)
		case *ast.FuncLit:
			r.funcLit(n)
			return false
		}
		r.pins(n)
		if r.namesOnly {
			return true
		}
		r.unused(n)
		return r.instrument(n)
	})
}

func (r *rewriter) funcLit(f *ast.FuncLit) {
	r.lits++
	r.walk(f.Type)
	if !r.namesOnly {
		r.entryCheck(f.Body)
	}
	r.walk(f.Body)
	r.lits--
}

// ident replaces a name with its link name.
func (r *rewriter) ident(id *ast.Ident) {
	obj := r.c.info.Uses[id]
	if obj == nil {
		obj = r.c.info.Defs[id]
	}
	if obj == nil || id.Name == "_" {
		return
	}
	switch o := obj.(type) {
	case *types.PkgName:
		r.packageName(id)
		return
	case *types.Var:
		if o.IsField() {
			r.field(id, o)
			return
		}
	}
	if sym := r.c.symbolOf(obj); sym != nil {
		if sym.decl.kind == funcKind && r.lits > 0 && r.pt.d == nil && !r.namesOnly {
			if slot := r.c.slot(sym); slot != nil {
				sym = slot
			}
		}
		r.uses = append(r.uses, use{off: r.off(id.Pos()), sym: sym, name: id.Name})
		r.rename(id, sym.link)
		if sym.decl.kind == varKind && !sym.slot && (r.lits > 0 || r.pt.d != nil) {
			r.pinned[sym] = true
		}
		return
	}
	if tn, ok := obj.(*types.TypeName); ok && r.c.isLocalType(tn) {
		r.rename(id, r.c.localType(tn))
		return
	}
	if r.fromDot(obj) {
		r.dotName(id, obj)
	}
}

// rename replaces a name. The text after it keeps its column.
func (r *rewriter) rename(id *ast.Ident, name string) {
	if name != id.Name {
		end := id.Pos() + token.Pos(len(id.Name))
		r.edits.replace(r.off(id.Pos()), len(id.Name), name+r.mark(end))
	}
}

// field renames an embedded field together with the type that names it.
func (r *rewriter) field(id *ast.Ident, f *types.Var) {
	f = f.Origin()
	if !f.Embedded() {
		return
	}
	t := f.Type()
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem()
	}
	var tn *types.TypeName
	switch t := t.(type) {
	case *types.Alias:
		tn = t.Obj()
	case *types.Named:
		tn = t.Obj()
	default:
		return
	}
	if sym := r.c.symbolOf(tn); sym != nil {
		r.rename(id, sym.link)
	} else if r.c.isLocalType(tn) {
		r.rename(id, r.c.localType(tn))
	}
}

// packageName records the use of an import and writes its name in the generated file.
func (r *rewriter) packageName(id *ast.Ident) {
	imp := r.useImport(id)
	r.imps[imp.emitted] = imp.path
	r.rename(id, imp.emitted)
}

// useImport records that the text names a package.
func (r *rewriter) useImport(id *ast.Ident) *imported {
	path := r.c.info.Uses[id].(*types.PkgName).Imported().Path()
	imp := r.c.p.next.imports[id.Name]
	if r.pt.d != nil && r.pt.d.prev != nil {
		imp = nil
		for _, u := range r.pt.d.prev.uses {
			if u.imp != nil && u.off == r.off(id.Pos()) {
				imp = u.imp
			}
		}
	}
	if imp == nil || imp.path != path {
		imp = &imported{name: id.Name, path: path, emitted: r.c.p.s.alias(path)}
	}
	r.uses = append(r.uses, use{off: r.off(id.Pos()), imp: imp, name: id.Name})
	return imp
}

// fromDot reports whether an unqualified name is an object of another package.
func (r *rewriter) fromDot(obj types.Object) bool {
	return obj.Pkg() != nil && obj.Pkg().Path() != pkgPath && obj.Parent() == obj.Pkg().Scope()
}

func (r *rewriter) dotName(id *ast.Ident, obj types.Object) {
	path := obj.Pkg().Path()
	a := r.c.p.s.alias(path)
	r.uses = append(r.uses, use{off: r.off(id.Pos()), imp: &imported{name: id.Name, path: path, emitted: a}, dot: true, name: id.Name})
	if name := r.runtimeName(id, obj); name != "" {
		r.rename(id, name)
		return
	}
	r.imps[a] = path
	r.rename(id, a+"."+id.Name)
}

// selector keeps the names after a package name, except those that the runtime
// replaces.
func (r *rewriter) selector(n *ast.SelectorExpr) bool {
	r.pinReceiver(n)
	id, ok := n.X.(*ast.Ident)
	if !ok {
		return true
	}
	if _, ok := r.c.info.Uses[id].(*types.PkgName); !ok {
		return true
	}
	obj := r.c.info.Uses[n.Sel]
	if name := r.runtimeName(n, obj); name != "" {
		r.edits.replace(r.off(n.Pos()), r.end(n)-r.off(n.Pos()), name+r.mark(n.End()))
		r.useImport(id) // the text still names the package
		return false
	}
	r.ident(id)
	return false
}

// symbolOf returns the symbol of an object, or nil if it is not the notebook's.
func (c *checked) symbolOf(obj types.Object) *symbol {
	if sym := c.vars[obj]; sym != nil {
		return sym
	}
	return c.p.symbol(obj)
}

// isLocalType reports whether a type is declared inside a function.
func (c *checked) isLocalType(tn *types.TypeName) bool {
	if tn.Pkg() != c.p.s.pkg || tn.Parent() == nil || tn.Parent() == tn.Pkg().Scope() {
		return false
	}
	if _, ok := tn.Type().(*types.TypeParam); ok {
		return false
	}
	return c.symbolOf(tn) == nil
}

// localType returns the name of a type that is local to a function. Each
// compilation numbers such types from the beginning, so the symbols of two types
// with the same name would collide in the process. Each but the first therefore
// gets a name of its own.
func (c *checked) localType(tn *types.TypeName) string {
	if name := c.locals[tn.Pos()]; name != "" {
		return name
	}
	if name := c.p.s.locals[tn.Pos()]; name != "" {
		return name
	}
	name := tn.Name()
	for i := 2; c.p.s.used[localMark+name] > 0 || c.p.links[localMark+name]; i++ {
		name = fmt.Sprintf("%s%s%d", tn.Name(), prime, i)
	}
	c.locals[tn.Pos()] = name
	c.p.links[localMark+name] = true
	return name
}

// pins marks variables whose address is taken: their storage is not freed when
// the name gets another type.
func (r *rewriter) pins(n ast.Node) {
	switch n := n.(type) {
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			r.pin(n.X)
		}
	case *ast.SliceExpr:
		if t := r.c.info.TypeOf(n.X); t != nil {
			if _, ok := t.Underlying().(*types.Array); ok {
				r.pin(n.X)
			}
		}
	}
}

// pinReceiver marks a variable that is the receiver of a pointer method.
func (r *rewriter) pinReceiver(n *ast.SelectorExpr) {
	sel := r.c.info.Selections[n]
	if sel == nil || sel.Kind() != types.MethodVal {
		return
	}
	recv := sel.Obj().(*types.Func).Signature().Recv()
	if recv == nil {
		return
	}
	if _, ok := recv.Type().(*types.Pointer); ok && !isPointer(r.c.info.TypeOf(n.X)) {
		r.pin(n.X)
	}
}

func isPointer(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// pin marks the variable that e is a part of.
func (r *rewriter) pin(e ast.Expr) {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.SelectorExpr:
			if isPointer(r.c.info.TypeOf(x.X)) {
				return
			}
			e = x.X
		case *ast.IndexExpr:
			if t := r.c.info.TypeOf(x.X); t != nil {
				if _, ok := t.Underlying().(*types.Array); !ok {
					return
				}
			}
			e = x.X
		case *ast.Ident:
			if sym := r.c.symbolOf(r.c.info.Uses[x]); sym != nil {
				r.pinned[sym] = true
			}
			return
		default:
			return
		}
	}
}
