package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// unusedAt parses an error of go/types about an unused variable or label.
func unusedAt(e types.Error) (name string, ok bool) {
	if !e.Soft {
		return "", false
	}
	if name, ok = strings.CutPrefix(e.Msg, "declared and not used: "); ok {
		return name, true
	}
	if name, ok = strings.CutSuffix(e.Msg, " declared and not used"); ok {
		return strings.TrimPrefix(name, "label "), true
	}
	return "", false
}

// blanks returns "_ = x;" for each unused variable among the expressions.
func (r *rewriter) blanks(list ...ast.Expr) string {
	var b strings.Builder
	for _, e := range list {
		if id, ok := e.(*ast.Ident); ok && r.c.unused[id.Pos()] && r.c.vars[r.c.info.Defs[id]] == nil {
			b.WriteString("_ = " + id.Name + ";")
		}
	}
	return b.String()
}

// defined returns the names that a simple statement declares.
func defined(s ast.Stmt) []ast.Expr {
	if a, ok := s.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
		return a.Lhs
	}
	return nil
}

// unused marks unused variables and labels below n as used, because notebooks
// have many of them.
func (r *rewriter) unused(n ast.Node) {
	switch n := n.(type) {
	case *ast.BlockStmt:
		r.list(n.List)
	case *ast.CaseClause:
		r.list(n.Body)
	case *ast.CommClause:
		r.list(n.Body)
		r.edits.open(r.off(n.Colon)+1, r.blanks(defined(n.Comm)...))
	case *ast.LabeledStmt:
		r.unusedLabel(n)
	case *ast.AssignStmt:
		if r.inList[n] {
			r.after(n, r.blanks(defined(n)...))
		}
	case *ast.DeclStmt:
		if g, ok := n.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, spec := range g.Specs {
				r.after(n, r.blanks(exprs(spec.(*ast.ValueSpec).Names)...))
			}
		}
	case *ast.IfStmt:
		r.inBody(n.Body, r.blanks(defined(n.Init)...))
	case *ast.ForStmt:
		r.inBody(n.Body, r.blanks(defined(n.Init)...))
	case *ast.RangeStmt:
		if n.Tok == token.DEFINE {
			r.inBody(n.Body, r.blanks(n.Key, n.Value))
		}
	case *ast.SwitchStmt:
		r.inClause(n.Body, r.blanks(defined(n.Init)...))
	case *ast.TypeSwitchStmt:
		r.inClause(n.Body, r.blanks(append(defined(n.Init), defined(n.Assign)...)...))
	}
}

// list records the statements of a list, including those after labels.
func (r *rewriter) list(stmts []ast.Stmt) {
	for _, s := range stmts {
		r.inList[s] = true
		for l, ok := s.(*ast.LabeledStmt); ok; l, ok = l.Stmt.(*ast.LabeledStmt) {
			r.inList[l.Stmt] = true
		}
	}
}

func (r *rewriter) after(s ast.Stmt, text string) {
	if text != "" {
		r.edits.close(r.end(s), ";"+strings.TrimSuffix(text, ";"))
	}
}

func (r *rewriter) inBody(b *ast.BlockStmt, text string) {
	if text != "" {
		r.edits.open(r.off(b.Lbrace)+1, text)
	}
}

// inClause puts text into the first clause of a switch, where it only uses a name.
func (r *rewriter) inClause(b *ast.BlockStmt, text string) {
	if text == "" {
		return
	}
	if len(b.List) == 0 {
		r.edits.open(r.off(b.Lbrace)+1, "default: "+text)
		return
	}
	r.edits.open(r.off(b.List[0].(*ast.CaseClause).Colon)+1, text)
}

func (r *rewriter) unusedLabel(l *ast.LabeledStmt) {
	if r.c.unused[l.Label.Pos()] {
		from := r.off(l.Pos())
		r.edits.replace(from, r.off(l.Colon)+1-from, "")
		r.skipped[l.Label] = true
	}
}
