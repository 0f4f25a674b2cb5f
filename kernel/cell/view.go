package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A view is an unfinished cell, checked as far as possible, and one position in it.
type view struct {
	c     *checked
	id    *ast.Ident
	pos   token.Pos
	scope *types.Scope      // the innermost scope at the position
	sel   *ast.SelectorExpr // the selector whose name is at the position
	lit   types.Type        // the composite literal's type if the position may be a key
}

// view checks the text of a cell, which ends with an identifier that begins at
// offset at. It closes what is still open and leaves out chunks that do not
// parse. It returns nil if nothing can be checked.
func (s *Session) view(text string, at int) *view {
	n := -1
	chunks, _ := split(n, text)
	if len(chunks) == 0 {
		return nil
	}
	c := &source{n: n, words: map[string]bool{}}
	toks, file, _ := scan(n, text)
	for _, t := range toks {
		c.words[t.lit] = true
	}
	last := &chunks[len(chunks)-1]
	last.src = closeText(*last)
	last.semi = true
	var unused *chunk
	for _, ch := range chunks {
		switch ch.kind {
		case importChunk:
			c.addImports(ch)
		case declChunk:
			c.addDecls(ch, &unused)
		case stmtChunk:
			if len(checkStmt(n, ch)) == 0 {
				c.stmts = append(c.stmts, ch)
			}
		}
	}
	chk := s.checkView(c)
	if chk == nil {
		return nil
	}
	v := &view{c: chk}
	v.find(file.Position(file.Pos(at)))
	if v.id == nil {
		v.close()
		return nil
	}
	v.pos = v.id.Pos()
	v.scope = s.pkg.Scope().Innermost(v.pos)
	if inner := chk.scope.Innermost(v.pos); v.scope == nil || inner != nil && within(inner, v.scope) {
		v.scope = inner
	}
	return v
}

func within(inner, outer *types.Scope) bool {
	return inner.Pos() >= outer.Pos() && inner.End() <= outer.End()
}

// checkView checks a source even if it has errors. It ignores imports and redefinitions
// that fail.
func (s *Session) checkView(c *source) *checked {
	c.imports = slices.DeleteFunc(c.imports, func(spec importSpec) bool {
		_, err := s.imp.Import(spec.path)
		return err != nil || spec.path == "C"
	})
	p := s.newPlan(c)
	for {
		p.applyImports()
		p.applyAutos()
		p.arrange()
		chk, err := p.check()
		if err != nil {
			return nil
		}
		if !p.autoImport(chk.ownErrors()) {
			return chk
		}
	}
}

// close drops the view's files, which nothing refers to any more.
func (v *view) close() {
	for _, g := range []*genFile{v.c.own, v.c.old} {
		if g.tok != nil {
			v.c.p.s.fset.RemoveFile(g.tok)
		}
	}
}

// find looks for the identifier at a position in the cell.
func (v *view) find(at token.Position) {
	fset := v.c.p.s.fset
	ast.Inspect(v.c.own.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if samePlace(fset.Position(n.Sel.Pos()), at) {
				v.id, v.sel = n.Sel, n
			}
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					e = kv.Key
				}
				if id, ok := e.(*ast.Ident); ok && samePlace(fset.Position(id.Pos()), at) {
					v.lit = v.c.info.TypeOf(n)
				}
			}
			if p, ok := v.lit.(*types.Pointer); ok {
				v.lit = p.Elem()
			}
		case *ast.Ident:
			if samePlace(fset.Position(n.Pos()), at) && v.id == nil && strings.HasPrefix(fset.Position(n.Pos()).Filename, "In[") {
				v.id = n
			}
		}
		return true
	})
}

func samePlace(p, at token.Position) bool { return p.Line == at.Line && p.Column == at.Column }

// closeText completes an unfinished chunk. It tries common endings and takes the first one
// that parses.
func closeText(ch chunk) string {
	toks, _, _ := scan(0, ch.src)
	var open []string
	for _, t := range toks {
		switch t.kind {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			open = append(open, closer(t.kind).String())
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	var tails []string
	for _, mid := range []string{"", " {}", "()", ": ", "; true {}", " = 0", " int", "(){}", " struct{}", ":= 0; true {}", "; ; {}"} {
		tail := mid
		for i := len(open) - 1; i >= 0; i-- {
			tail += open[i]
		}
		// What the chunk's first word requires comes after the brackets.
		tails = append(tails, tail, tail+" {}", tail+"()")
	}
	for _, tail := range tails {
		try := ch
		try.src = ch.src + tail
		if ch.kind == stmtChunk {
			if len(checkStmt(0, try)) == 0 {
				return try.src
			}
		} else if f, _, _, errs := parseChunk(0, try); len(errs) == 0 && !bodyless(f) {
			return try.src
		}
	}
	return ch.src
}

func bodyless(f *ast.File) bool {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body == nil {
			return true
		}
	}
	return false
}
