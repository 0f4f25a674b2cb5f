package cell

import (
	"cmp"
	"fmt"
	"go/scanner"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Diagnostic is one error of a cell, in the user's own words and positions.
type Diagnostic struct {
	// Cell, Line and Col locate the error, counted from 1; Col counts bytes.
	Cell, Line, Col int
	// Msg is one line, such as "undefined: foo".
	Msg string
	// Source is the source line, without its line end.
	Source string
	// Hint is the next step, if there is one.
	Hint string
}

func (d Diagnostic) String() string {
	return fmt.Sprintf("In[%d]:%d:%d: %s", d.Cell, d.Line, d.Col, d.Msg)
}

// Errors holds all errors of a cell, ordered by position.
type Errors []Diagnostic

// Error returns the errors, one per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// ANSI colours of rendered errors.
const (
	red, bold, faint, plain = "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
)

// Render returns the lines to show: the message, the source line, a caret below
// the position, the hint.
func (e Errors) Render(color bool) []string {
	paint := func(code, s string) string {
		if !color {
			return s
		}
		return code + s + plain
	}
	var out []string
	for _, d := range e {
		out = append(out, paint(bold, fmt.Sprintf("In[%d]:%d:%d: ", d.Cell, d.Line, d.Col))+paint(red, d.Msg))
		if strings.TrimSpace(d.Source) != "" {
			out = append(out, "    "+d.Source, "    "+paint(red, caret(d.Source, d.Col)))
		}
		if d.Hint != "" {
			out = append(out, paint(faint, "    "+d.Hint))
		}
	}
	return out
}

// caret returns a line with a caret below byte column col of line. Tabs are kept,
// and a wide rune counts as one column.
func caret(line string, col int) string {
	var b strings.Builder
	for i, r := range line {
		if i >= col-1 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String() + "^"
}

// tidy sorts errors by position, drops duplicates and fills in the source lines, and
// adds the hint if an error has none.
func (e Errors) tidy(lines map[int][]string, hint func(msg string) string) Errors {
	slices.SortStableFunc(e, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	e = slices.CompactFunc(e, func(a, b Diagnostic) bool {
		return a.Cell == b.Cell && a.Line == b.Line && a.Col == b.Col && a.Msg == b.Msg
	})
	for i, d := range e {
		e[i].Msg = Clean(d.Msg)
		if d.Hint == "" {
			e[i].Hint = hint(d.Msg)
		}
		if src := lines[d.Cell]; d.Line >= 1 && d.Line <= len(src) {
			e[i].Source = src[d.Line-1]
		}
	}
	return e
}

// syntaxErrors turns the first error of go/parser into a diagnostic and drops the others,
// because they mostly follow from the first. Positions come from the line directives in
// the parsed text.
func syntaxErrors(n int, err error) Errors {
	list, ok := err.(scanner.ErrorList)
	if !ok {
		return Errors{{Cell: n, Line: 1, Col: 1, Msg: err.Error()}}
	}
	var out Errors
	for _, e := range list[:min(len(list), 1)] {
		cell := cellNumber(e.Pos.Filename)
		if cell == 0 {
			cell = n
		}
		d := Diagnostic{Cell: cell, Line: e.Pos.Line, Col: max(e.Pos.Column, 1), Msg: "syntax error: " + e.Msg}
		if e.Msg == "expected 1 expression" { // what go/parser says about a list instead of a statement
			d.Hint = "a cell shows the one value at its end; fmt.Println(a, b) prints several"
		}
		out = append(out, d)
	}
	return out
}

var compilerLine = regexp.MustCompile(`In\[(\d+)\]:(\d+)(?::(\d+))?: (.*)`)

// CompilerErrors parses the output of the Go compiler for a Unit. The compiler
// rarely finds what Prepare did not. Lines without a position in a cell are left
// out, so an empty result means that the caller should show the output as it is.
func (s *Session) CompilerErrors(output string) Errors {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out Errors
	for _, m := range compilerLine.FindAllStringSubmatch(output, -1) {
		d := Diagnostic{Msg: m[4]}
		d.Cell, _ = strconv.Atoi(m[1])
		d.Line, _ = strconv.Atoi(m[2])
		d.Col, _ = strconv.Atoi(m[3])
		d.Col = max(d.Col, 1)
		out = append(out, d)
	}
	return out.tidy(s.lines, s.languageHint)
}

// cellNumber returns 5 for "In[5]", and 0 for other file names.
func cellNumber(file string) int {
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	num, ok := strings.CutPrefix(file, "In[")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(num, "]"))
	if err != nil {
		return 0
	}
	return n
}
