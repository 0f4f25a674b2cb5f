package session

import (
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
)

// A kind is the kind of a segment.
type kind int

const (
	goCode    kind = iota
	lineMagic      // %name arguments
	cellMagic      // %%name arguments, body
	helpFor        // %name?
	shell          // !command
)

// A segment is a part of a cell that runs as a unit.
type segment struct {
	kind kind
	name string // of a magic
	args string
	body string // of a cell magic
	code string // Go, after enough empty lines that its line numbers are the cell's
	line int    // counted from 1
}

var (
	magicLine = regexp.MustCompile(`^[ \t]*%([A-Za-z_][\w.-]*)(\??)[ \t]*(.*?)[ \t\r]*$`)
	cellLine  = regexp.MustCompile(`^[ \t]*%%([A-Za-z_][\w.-]*)(\??)[ \t]*(.*?)[ \t\r]*$`)
	// gophernotes writes "$command" for "!command"; no line of Go starts with a dollar sign.
	shellLine = regexp.MustCompile(`^[ \t]*[!$](.*)$`)
	// Early gophernotes notebooks contain :import "fmt".
	colonImport = regexp.MustCompile(`^[ \t]*:import\b`)
)

// split splits a cell into segments. No Go statement starts with a percent sign,
// so a line that does is a magic unless it is part of a raw string or a comment.
// An exclamation mark may start a line of Go, but not a statement.
func split(src string) []segment {
	lines := strings.SplitAfter(src, "\n")
	if s, ok := wholeCell(lines); ok {
		return []segment{s}
	}
	free := freeLines(src, len(lines))
	var out []segment
	start := 0
	flush := func(end int) {
		code := strings.Join(lines[start:end], "")
		if strings.TrimSpace(code) != "" {
			out = append(out, segment{kind: goCode, code: strings.Repeat("\n", start) + code, line: start + 1})
		}
	}
	for i, l := range lines {
		s, ok := magicOf(strings.TrimRight(l, "\n"))
		if free[i] == statement && colonImport.MatchString(l) {
			lines[i] = strings.Replace(l, ":", " ", 1)
		}
		if !ok || free[i] == inside || s.kind == shell && free[i] != statement {
			continue
		}
		flush(i)
		s.line = i + 1
		out = append(out, s)
		start = i + 1
	}
	flush(len(lines))
	return out
}

// wholeCell recognizes a cell magic on the first line that is not empty.
func wholeCell(lines []string) (segment, bool) {
	for i, l := range lines {
		if strings.TrimSpace(l) == "" {
			continue
		}
		m := cellLine.FindStringSubmatch(strings.TrimRight(l, "\n"))
		if m == nil {
			return segment{}, false
		}
		if m[2] != "" {
			return segment{kind: helpFor, name: m[1], line: i + 1}, true
		}
		return segment{kind: cellMagic, name: m[1], args: m[3], body: strings.Join(lines[i+1:], ""), line: i + 1}, true
	}
	return segment{}, false
}

func magicOf(l string) (segment, bool) {
	if m := magicLine.FindStringSubmatch(l); m != nil {
		if m[2] != "" {
			return segment{kind: helpFor, name: m[1]}, true
		}
		return segment{kind: lineMagic, name: m[1], args: m[3]}, true
	}
	if m := shellLine.FindStringSubmatch(l); m != nil {
		return segment{kind: shell, name: "bash", args: strings.TrimSpace(m[1])}, true
	}
	return segment{}, false
}

// A place is the syntactic context at the start of a line.
type place int

const (
	statement  place = iota // a statement may start here
	expression              // in the middle of a statement
	inside                  // in a raw string or a comment
)

// freeLines returns the place of each line. It treats lines that look like magics
// as empty, because their text is not Go.
func freeLines(src string, n int) []place {
	out := make([]place, n)
	clean := blankMagics(src)
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(clean))
	var sc scanner.Scanner
	sc.Init(file, []byte(clean), func(token.Position, string) {}, scanner.ScanComments)
	depth, last, ended := 0, 1, true
	for {
		pos, tok, lit := sc.Scan()
		line := n
		if tok != token.EOF {
			line = file.Line(pos)
		}
		at := statement
		if !ended || depth > 0 {
			at = expression
		}
		for ; last < line && last < n; last++ {
			out[last] = at
		}
		if tok == token.EOF {
			return out
		}
		if tok == token.COMMENT || tok == token.STRING {
			end := min(line+strings.Count(lit, "\n"), n)
			for ; last < end; last++ {
				out[last] = inside
			}
		}
		switch tok {
		case token.LPAREN, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACK:
			depth--
		}
		if tok != token.COMMENT {
			ended = tok == token.SEMICOLON || tok == token.LBRACE || tok == token.RBRACE || tok == token.COLON
		}
	}
}

// blankMagics blanks the text after a percent sign or an exclamation mark at the
// start of a line if it cannot be Go. Inside a raw string this does no harm: only
// line numbers are taken from the result. A back quote that closes a string is kept.
func blankMagics(src string) string {
	lines := strings.SplitAfter(src, "\n")
	raw := false
	for i, l := range lines {
		t := strings.TrimLeft(l, " \t")
		if !raw && (strings.HasPrefix(t, "%") || strings.HasPrefix(t, "$") || strings.HasPrefix(t, "!") && shellText(t)) {
			lines[i] = strings.Repeat(" ", len(strings.TrimRight(l, "\n"))) + l[len(strings.TrimRight(l, "\n")):]
			continue
		}
		raw = rawAfter(l, raw)
	}
	return strings.Join(lines, "")
}

// shellText reports whether a line that starts with an exclamation mark contains
// quotes, which would confuse the scanner. Whether the line is a command (!ls) or a
// negation (!ok) is for freeLines to decide: a command is only possible at the start
// of a statement.
func shellText(l string) bool { return strings.ContainsAny(l, "`'\"") }

// rawAfter reports whether a raw string is open after the line.
func rawAfter(l string, raw bool) bool {
	var quote byte
	for i := 0; i < len(l); i++ {
		c := l[i]
		switch {
		case raw:
			raw = c != '`'
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote || c == '\n' {
				quote = 0
			}
		case c == '`':
			raw = true
		case c == '"' || c == '\'':
			quote = c
		case c == '/' && i+1 < len(l) && l[i+1] == '/':
			return false
		}
	}
	return raw
}
