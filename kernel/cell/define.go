package cell

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
)

// DefineVar makes a unit that defines a variable whose value waits in the session: its
// function runs name = rt.Take[typ](name). typ is the text of a Go type. Its package names
// are the keys of imports; its unqualified names belong to the notebook. A variable with
// the same name and type keeps its storage.
func (s *Session) DefineVar(n int, name, typ string, imports map[string]string) (*Unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !token.IsIdentifier(name) || name == "_" || reserved(name) {
		return nil, Errors{{Cell: n, Line: 1, Col: 1, Msg: fmt.Sprintf("%q cannot be the name of a variable", name)}}
	}
	text, paths, err := s.canonical(typ, imports)
	if err != nil {
		return nil, Errors{{Cell: n, Line: 1, Col: 1, Msg: fmt.Sprintf("variable %s: type %s: %v", name, typ, err)}}
	}
	c := &source{n: n, words: map[string]bool{}, extra: paths}
	c.stmts = []chunk{{src: "var " + name + " " + text, line: 1, col: 1, first: token.VAR}}
	return s.prepare(c, func(w *rewritten) {
		d := w.c.p.next.vars[w.c.p.next.scope[name].link]
		maps.Copy(w.imps, d.imps)
		w.body.Reset()
		fmt.Fprintf(&w.body, "%s = nbrt__.Take[%s](%q)\n", d.syms[0].link, d.varText, name)
	})
}

// canonical rewrites the package names in a type text to the names that generated files use.
func (s *Session) canonical(typ string, imports map[string]string) (string, map[string]string, error) {
	e, err := parser.ParseExpr(typ)
	if err != nil {
		return "", nil, err
	}
	var es edits
	paths := map[string]string{}
	ast.Inspect(e, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && imports[id.Name] != "" {
			alias := s.alias(imports[id.Name])
			paths[alias] = imports[id.Name]
			es.replace(int(id.Pos())-1, len(id.Name), alias)
		}
		return false
	})
	return es.apply(typ), paths, nil
}
