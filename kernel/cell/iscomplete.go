package cell

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"unicode"
)

// IsComplete reports whether src can be run as it is: "complete"; "incomplete",
// with the indent of the next line, if brackets, literals, comments or operators
// are open; or "invalid" if no additional text can fix it.
func IsComplete(src string) (status, indent string) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	toks, file, errs := scan(0, src)
	if len(errs) > 0 {
		msg := errs[0].Msg
		if strings.Contains(msg, "raw string literal not terminated") || strings.Contains(msg, "comment not terminated") {
			return "incomplete", ""
		}
		return "invalid", ""
	}
	depth := 0
	for _, t := range toks {
		switch t.kind {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
	}
	chunks, errs := split(0, src)
	for _, e := range errs {
		if strings.HasSuffix(e.Msg, "is never closed") {
			continue
		}
		return "invalid", ""
	}
	last := lastWritten(toks)
	for i, ch := range chunks {
		line, col := 0, 0
		if i == len(chunks)-1 && last >= 0 {
			p := file.Position(file.Pos(toks[last].pos))
			line, col = p.Line, p.Column
		}
		switch chunkStatus(ch, line, col) {
		case "invalid":
			return "invalid", ""
		case "incomplete":
			return "incomplete", strings.Repeat("\t", max(depth, 0))
		}
	}
	if depth > 0 {
		return "incomplete", strings.Repeat("\t", depth)
	}
	return "complete", ""
}

// lastWritten returns the index of the last token that is in the text.
func lastWritten(toks []tok) int {
	for i := len(toks) - 1; i >= 0; i-- {
		if toks[i].written() {
			return i
		}
	}
	return -1
}

// chunkStatus parses one chunk. If the chunk is the last one, line and col are
// the position of the cell's last token, else 0: more text may fix an error at
// or after that token.
func chunkStatus(ch chunk, line, col int) string {
	var errs Errors
	if ch.kind == packageChunk {
		return "complete"
	}
	if ch.kind == stmtChunk {
		errs = checkStmt(0, ch)
	} else {
		f, _, _, es := parseChunk(0, ch)
		errs = es
		if len(errs) == 0 && len(f.Decls) > 0 {
			if fn, ok := f.Decls[len(f.Decls)-1].(*ast.FuncDecl); ok && fn.Body == nil {
				if line == 0 { // other code follows: the body cannot come any more
					return "invalid"
				}
				return "incomplete"
			}
		}
	}
	if len(errs) == 0 {
		return "complete"
	}
	e := errs[0]
	if line > 0 && (e.Line > line || e.Line == line && e.Col > col) {
		return "incomplete"
	}
	return "invalid"
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// parses reports whether text parses as a list of statements.
func parses(text string) bool {
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p; func _() {"+text+"\n}", parser.SkipObjectResolution)
	return err == nil
}
