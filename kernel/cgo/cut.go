// Package cgo lets a cell hold C code: a comment before import "C", and C.name in the
// Go code below it, as in cmd/cgo.
//
// The C code becomes a package of its own, which the go command compiles. The cell gets
// Go declarations instead of C's names: C.add becomes C_add, a function that calls
// that package; C.point becomes C_point, a struct of the same layout. They are ordinary
// declarations: later cells can use them, with an import "C" of their own that needs no
// comment.
//
//	cut.go      finds import "C", its comment and the names
//	probe.go    asks cmd/cgo what the names are
//	declare.go  the package with the C code, and the declarations
//	cgo.go      a notebook's C code, cell by cell
package cgo

import (
	"go/scanner"
	"go/token"
	"strings"
)

// An Error describes what is wrong with a cell's C code, at a position in the cell.
type Error struct {
	Line, Col int // from 1; Col counts bytes
	Msg, Hint string
}

func (e *Error) Error() string { return e.Msg }

// A use is a C name in a cell.
type use struct {
	name      string
	call, two bool // it is called; with two results, the second is errno
	guess     bool // no cell uses it yet
	at, end   int  // byte offsets of "C.name"
	line, col int
}

// A source is a cell with C code.
type source struct {
	text     string
	preamble string // the text of the comment
	line     int    // line number of its first line, from 1
	from, to int    // byte offsets of import "C"
	uses     []use
}

type tok struct {
	tok token.Token
	lit string
	at  int
	pos token.Position
}

// cut finds the C code of a cell; it returns nil if the cell does not import "C".
func cut(text string) (*source, error) {
	if !strings.Contains(text, `"C"`) {
		return nil, nil
	}
	toks := scan(text)
	s := &source{text: text}
	for i, t := range toks {
		if t.tok != token.STRING || t.lit != `"C"` || i == 0 {
			continue
		}
		if toks[i-1].tok != token.IMPORT {
			if inImports(toks[:i]) {
				return nil, &Error{Line: t.pos.Line, Col: t.pos.Column, Msg: `import "C" is in a group with other imports`, Hint: `give it a line of its own, after the comment with the C code: import "C"`}
			}
			continue
		}
		if s.to > 0 {
			return nil, &Error{Line: t.pos.Line, Col: t.pos.Column, Msg: `a second import "C" in the cell`, Hint: "put the C code into one comment"}
		}
		s.from, s.to = toks[i-1].at, t.at+len(t.lit)
		s.comment(toks[:i-1], toks[i-1].pos.Line)
	}
	if s.to == 0 {
		return nil, nil
	}
	var code []tok
	for _, t := range toks {
		if t.tok == token.COMMENT {
			if strings.HasPrefix(t.lit, "//export ") {
				return nil, &Error{Line: t.pos.Line, Col: t.pos.Column, Msg: "a cell's functions cannot be exported to C", Hint: "put them with the C code into a package of your own and import that"}
			}
			continue
		}
		code = append(code, t)
	}
	s.names(code)
	return s, nil
}

func scan(text string) (toks []tok) {
	var sc scanner.Scanner
	fset := token.NewFileSet()
	f := fset.AddFile("", -1, len(text))
	sc.Init(f, []byte(text), func(token.Position, string) {}, scanner.ScanComments)
	for {
		p, t, lit := sc.Scan()
		if t == token.EOF {
			return toks
		}
		toks = append(toks, tok{t, lit, f.Offset(p), fset.PositionFor(p, false)})
	}
}

// inImports reports whether the token after toks is inside the brackets of an import.
func inImports(toks []tok) bool {
	for i := len(toks) - 1; i > 0; i-- {
		switch toks[i].tok {
		case token.LPAREN:
			return toks[i-1].tok == token.IMPORT
		case token.STRING, token.SEMICOLON, token.IDENT, token.COMMENT, token.PERIOD:
		default:
			return false
		}
	}
	return false
}

// comment takes the comments that end directly above a line.
func (s *source) comment(toks []tok, line int) {
	var group []tok
	for i := len(toks) - 1; i >= 0; i-- {
		t := toks[i]
		if t.tok == token.SEMICOLON && t.lit == "\n" {
			continue
		}
		if t.tok != token.COMMENT || t.pos.Line+strings.Count(t.lit, "\n")+1 < line {
			break
		}
		group = append([]tok{t}, group...)
		line = t.pos.Line
	}
	for _, t := range group {
		if s.line == 0 {
			s.line = t.pos.Line
		}
		if text, ok := strings.CutPrefix(t.lit, "//"); ok {
			s.preamble += text + "\n"
			continue
		}
		s.preamble += strings.TrimSuffix(strings.TrimPrefix(t.lit, "/*"), "*/") + "\n"
	}
}

// names finds the uses of C names.
func (s *source) names(toks []tok) {
	for i := 0; i+2 < len(toks); i++ {
		if toks[i].tok != token.IDENT || toks[i].lit != "C" || toks[i+1].tok != token.PERIOD || toks[i+2].tok != token.IDENT || i > 0 && toks[i-1].tok == token.PERIOD {
			continue
		}
		u := use{name: toks[i+2].lit, at: toks[i].at, end: toks[i+2].at + len(toks[i+2].lit), line: toks[i].pos.Line, col: toks[i].pos.Column}
		u.call = i+3 < len(toks) && toks[i+3].tok == token.LPAREN
		u.two = u.call && twoNames(toks[:i]) && alone(toks[i+3:])
		s.uses = append(s.uses, u)
	}
}

// twoNames reports whether toks end with "a, b :=" or "a, b =", but not with a third name.
func twoNames(toks []tok) bool {
	n := len(toks)
	if n < 4 || toks[n-1].tok != token.DEFINE && toks[n-1].tok != token.ASSIGN || toks[n-2].tok != token.IDENT || toks[n-3].tok != token.COMMA {
		return false
	}
	for i := n - 4; i >= 0; i-- {
		switch toks[i].tok {
		case token.COMMA:
			return false
		case token.SEMICOLON, token.LBRACE, token.RBRACE, token.VAR, token.IF, token.SWITCH, token.FOR, token.COLON:
			return true
		}
	}
	return true
}

// alone reports whether the call at the start of toks is the whole expression.
func alone(toks []tok) bool {
	depth := 0
	for i, t := range toks {
		switch t.tok {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if depth--; depth == 0 {
				return i+1 == len(toks) || toks[i+1].tok == token.SEMICOLON || toks[i+1].tok == token.LBRACE || toks[i+1].tok == token.RBRACE
			}
		}
	}
	return true
}
