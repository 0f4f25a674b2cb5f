package cell

import (
	"fmt"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"unicode/utf8"
)

// A chunk is one declaration or statement at the top level of a cell.
type chunk struct {
	kind      chunkKind
	first     token.Token // the first token
	src       string
	line, col int  // position of src in the cell
	semi      bool // the user ended it with a semicolon
	pragma    string
}

type chunkKind uint8

const (
	stmtChunk chunkKind = iota
	packageChunk
	importChunk
	declChunk // func, method, type, const
)

// A tok is one token of a cell.
type tok struct {
	pos, stop int // start and end offset
	kind      token.Token
	lit       string
}

// tokenEnd returns the end of the token at pos. The length of the literal may
// differ, because the scanner omits carriage returns in raw strings and replaces
// invalid UTF-8 with a replacement character.
func tokenEnd(src string, pos int, kind token.Token, lit string) int {
	switch {
	case kind == token.STRING && lit[0] == '`':
		if i := strings.IndexByte(src[pos+1:], '`'); i >= 0 {
			return pos + i + 2
		}
		return len(src)
	case kind == token.ILLEGAL:
		_, size := utf8.DecodeRuneInString(src[pos:])
		return pos + size
	case lit != "" && kind != token.SEMICOLON:
		return min(pos+len(lit), len(src))
	}
	return min(pos+len(kind.String()), len(src))
}

// written reports whether the token is in the text, unlike a semicolon that the
// scanner inserts at the end of a line.
func (t tok) written() bool { return t.kind != token.SEMICOLON || t.lit == ";" }

// scan splits text into tokens.
func scan(n int, src string) ([]tok, *token.File, Errors) {
	var errs Errors
	file := token.NewFileSet().AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, []byte(src), func(p token.Position, msg string) {
		errs = append(errs, Diagnostic{Cell: n, Line: p.Line, Col: p.Column, Msg: msg})
	}, 0)
	var toks []tok
	for {
		pos, kind, lit := s.Scan()
		if kind == token.EOF {
			return toks, file, errs
		}
		at := file.Offset(pos)
		toks = append(toks, tok{at, tokenEnd(src, at, kind, lit), kind, lit})
	}
}

// split cuts a cell into its top-level chunks. A semicolon outside all brackets,
// written or automatic, ends a chunk.
func split(n int, src string) ([]chunk, Errors) {
	toks, file, errs := scan(n, src)
	at := func(t tok, format string, args ...any) {
		p := file.Position(file.Pos(t.pos))
		errs = append(errs, Diagnostic{Cell: n, Line: p.Line, Col: p.Column, Msg: fmt.Sprintf(format, args...)})
	}
	for _, t := range toks {
		if t.kind == token.IDENT && reserved(t.lit) {
			at(t, "the name %s is reserved for generated code", t.lit)
		}
	}
	var out []chunk
	var open []tok
	start := -1
	for i, t := range toks {
		if start < 0 {
			if t.kind == token.SEMICOLON {
				continue
			}
			start = i
		}
		switch t.kind {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			open = append(open, t)
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) == 0 || closer(open[len(open)-1].kind) != t.kind {
				at(t, "syntax error: unexpected %s", t.kind)
				return out, errs
			}
			open = open[:len(open)-1]
		}
		last := i == len(toks)-1
		if len(open) > 0 && last {
			at(open[len(open)-1], "syntax error: %s is never closed", open[len(open)-1].kind)
		}
		if (t.kind == token.SEMICOLON && len(open) == 0 && !inHeader(src, toks[start:i+1])) || last {
			out = append(out, newChunk(src, file, toks[start:i+1]))
			start = -1
		}
	}
	return out, errs
}

// inHeader reports whether the semicolon at the end of toks belongs to the header
// of an if, for or switch. It asks the parser, because a brace may belong to a
// composite literal in the header.
func inHeader(src string, toks []tok) bool {
	at := 0
	for len(toks) > at+2 && toks[at].kind == token.IDENT && toks[at+1].kind == token.COLON {
		at += 2
	}
	switch toks[at].kind {
	case token.IF, token.FOR, token.SWITCH:
	default:
		return false
	}
	if semicolons(toks) > 2+elses(toks) {
		return false
	}
	if parses(src[toks[0].pos:toks[len(toks)-1].pos]) {
		return false
	}
	// An automatic semicolon after a block ends the statement even if the statement has
	// syntax errors, so that they do not spread to the next statement.
	semi := toks[len(toks)-1]
	return semi.written() || toks[len(toks)-2].kind != token.RBRACE
}

// semicolons counts the semicolons outside brackets.
func semicolons(toks []tok) int {
	n, depth := 0, 0
	for _, t := range toks {
		switch t.kind {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		case token.SEMICOLON:
			if depth == 0 {
				n++
			}
		}
	}
	return n
}

// elses counts the branches of an if statement, each of which has a header.
func elses(toks []tok) int {
	n := 0
	for _, t := range toks {
		if t.kind == token.ELSE {
			n++
		}
	}
	return n
}

func closer(open token.Token) token.Token {
	switch open {
	case token.LPAREN:
		return token.RPAREN
	case token.LBRACK:
		return token.RBRACK
	}
	return token.RBRACE
}

// reserved reports whether a name could collide with generated code.
func reserved(name string) bool {
	return strings.Contains(name, prime) || strings.HasPrefix(name, "nb") && strings.HasSuffix(name, "__")
}

func newChunk(src string, file *token.File, toks []tok) chunk {
	first, last := toks[0], toks[len(toks)-1]
	c := chunk{kind: classify(toks), first: first.kind}
	end := last.stop
	if last.kind == token.SEMICOLON {
		c.semi = last.written()
		end = last.pos
		if len(toks) > 1 {
			end = toks[len(toks)-2].stop
		}
	}
	p := file.Position(file.Pos(first.pos))
	c.src, c.line, c.col = src[first.pos:end], p.Line, p.Column
	c.pragma = pragma(src[:first.pos])
	return c
}

// pragmas are the compiler directives that a function may have. nosplit is not
// among them, because interrupt checks call functions.
var pragmas = []string{"//go:noinline", "//go:norace", "//go:nocheckptr", "//go:uintptrescapes"}

// pragma returns the directives at the end of the text before a declaration.
func pragma(before string) string {
	lines := strings.Split(before, "\n")
	out := ""
	for i := len(lines) - 2; i >= 0 && strings.HasPrefix(lines[i], "//"); i-- {
		if l := strings.TrimSpace(lines[i]); slices.Contains(pragmas, l) {
			out = l + "\n" + out
		}
	}
	return out
}

// classify looks at the first tokens of a chunk. A func is a declaration if a
// name follows, or a receiver, a name and parameters; otherwise it is a literal.
func classify(toks []tok) chunkKind {
	switch toks[0].kind {
	case token.PACKAGE:
		return packageChunk
	case token.IMPORT:
		return importChunk
	case token.TYPE, token.CONST:
		return declChunk
	case token.FUNC:
		if len(toks) < 2 {
			return stmtChunk
		}
		if toks[1].kind == token.IDENT {
			return declChunk
		}
		depth := 0
		for i, t := range toks[1:] {
			switch t.kind {
			case token.LPAREN:
				depth++
			case token.RPAREN:
				depth--
			}
			if depth == 0 {
				rest := toks[i+2:]
				if len(rest) > 1 && rest[0].kind == token.IDENT && afterBrackets(rest[1:]) == token.LPAREN {
					return declChunk
				}
				return stmtChunk
			}
		}
	}
	return stmtChunk
}

// afterBrackets returns the first token or, if the tokens begin with square brackets, the
// first one after these.
func afterBrackets(toks []tok) token.Token {
	depth := 0
	for _, t := range toks {
		switch t.kind {
		case token.LBRACK:
			depth++
		case token.RBRACK:
			depth--
			continue
		}
		if depth == 0 {
			return t.kind
		}
	}
	return token.EOF
}
