package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// topStmt rewrites one statement of the cell.
func (r *rewriter) topStmt(s ast.Stmt, last bool) {
	for {
		r.inList[s] = true
		l, ok := s.(*ast.LabeledStmt)
		if !ok {
			break
		}
		r.unusedLabel(l)
		s = l.Stmt
		last = false
	}
	switch s := s.(type) {
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			r.edits.replace(r.off(s.TokPos), 2, " =")
		}
		r.walk(s)
		if s.Tok == token.DEFINE {
			r.inferTypes(s.Lhs, s.Rhs)
			r.free(s, s.Lhs)
		}
		return
	case *ast.DeclStmt:
		if g, ok := s.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			r.topVars(s, g)
			return
		}
	case *ast.ExprStmt:
		if last && r.shown(s.X) {
			if r.pt.ch.semi {
				if !isCall(s.X) {
					r.edits.open(r.off(s.Pos()), "_ = ")
				}
			} else {
				show := "nbrt__.Show("
				if isCall(s.X) && types.Identical(r.c.info.Types[s.X].Type, types.Universe.Lookup("error").Type()) {
					show = "nbrt__.ShowError(" // do not spend a line on a nil error
				}
				r.edits.open(r.off(s.Pos()), show+r.mark(s.Pos()))
				r.edits.close(r.end(s), ")")
			}
		}
	}
	r.walk(s)
}

func isCall(e ast.Expr) bool {
	_, ok := ast.Unparen(e).(*ast.CallExpr)
	return ok
}

// shown reports whether the final expression of a cell has a value to show. Void
// calls and the results of fmt.Print and similar functions are not shown.
func (r *rewriter) shown(e ast.Expr) bool {
	tv := r.c.info.Types[e]
	if tuple, ok := tv.Type.(*types.Tuple); ok && tuple.Len() == 0 || tv.IsVoid() || tv.Type == nil {
		return false
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return tv.IsValue() || tv.IsNil()
	}
	var id *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.SelectorExpr:
		id = f.Sel
	case *ast.Ident:
		id = f
	default:
		return true
	}
	f, ok := r.c.info.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil || f.Pkg().Path() != "fmt" {
		return true
	}
	return !strings.HasPrefix(f.Name(), "Print") && !strings.HasPrefix(f.Name(), "Fprint")
}

// topVars turns a var statement into assignments.
func (r *rewriter) topVars(s *ast.DeclStmt, g *ast.GenDecl) {
	blankOnly := false
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		blankOnly = !g.Lparen.IsValid() && allBlank(v)
		r.topVar(v, g.Lparen.IsValid())
	}
	if !blankOnly {
		r.edits.replace(r.off(g.TokPos), 3, "   ")
	}
	if g.Lparen.IsValid() {
		r.edits.replace(r.off(g.Lparen), 1, " ")
		r.edits.replace(r.off(g.Rparen), 1, " ")
	}
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		r.inferTypes(exprs(v.Names), v.Values)
		r.free(s, exprs(v.Names))
	}
}

func exprs(ids []*ast.Ident) []ast.Expr {
	out := make([]ast.Expr, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

func allBlank(v *ast.ValueSpec) bool {
	for _, id := range v.Names {
		if id.Name != "_" {
			return false
		}
	}
	return true
}

func (r *rewriter) topVar(v *ast.ValueSpec, grouped bool) {
	switch {
	case allBlank(v):
		if grouped {
			r.edits.open(r.off(v.Pos()), "var ")
		}
		r.walk(v)
	case len(v.Values) == 0:
		var zero []string
		for _, id := range v.Names {
			if sym := r.c.symbolOf(r.c.info.Defs[id]); sym != nil {
				if stmt, ok := r.c.embedded(id.Name, sym); ok {
					zero = append(zero, stmt)
				} else {
					zero = append(zero, "nbrt__.Zero(&"+sym.link+")")
				}
				r.uses = append(r.uses, use{off: -1, sym: sym, name: id.Name})
			}
		}
		r.edits.replace(r.off(v.Pos()), r.end(v)-r.off(v.Pos()), strings.Join(zero, "; "))
	default:
		if v.Type != nil {
			r.edits.replace(r.off(v.Type.Pos()), r.end(v.Type)-r.off(v.Type.Pos()), "")
		}
		for _, id := range v.Names {
			r.ident(id)
		}
		for _, e := range v.Values {
			r.walk(e)
		}
	}
}

// inferTypes declares variables whose type cannot be written, using the
// expressions that define them.
func (r *rewriter) inferTypes(lhs, rhs []ast.Expr) {
	for i, e := range lhs {
		id, ok := e.(*ast.Ident)
		if !ok {
			continue
		}
		sym := r.c.vars[r.c.info.Defs[id]]
		if sym == nil || sym.decl.varText != "" || sym.decl.cell != r.c.p.c.n {
			continue
		}
		switch {
		case len(rhs) == len(lhs):
			r.c.inferred(sym, r.pt, r.g, rhs[i], 0, 1)
		case len(rhs) == 1:
			r.c.inferred(sym, r.pt, r.g, rhs[0], i, len(lhs))
		}
	}
}

// free clears the storage that the names on the left-hand side had before, if
// nothing can refer to it any more.
func (r *rewriter) free(s ast.Stmt, lhs []ast.Expr) {
	for _, e := range lhs {
		id, ok := e.(*ast.Ident)
		if !ok || r.c.info.Defs[id] == nil {
			continue
		}
		if old := r.c.freed[id.Name]; old != nil && !r.pinned[old] && !r.c.pinned[old] {
			r.edits.close(r.end(s), ";nbrt__.Zero(&"+old.link+")")
			r.uses = append(r.uses, use{off: -1, sym: old})
			delete(r.c.freed, id.Name)
		}
	}
}
