package cell

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// An embed is a //go:embed directive and the variable below it.
//
// The compiler initializes such a variable before the program begins, but the storage
// of a cell's variable may be that of an earlier cell. The generated file therefore has
// the directive above a variable of its own, and the declaration becomes a statement that
// assigns from that variable.
type embed struct {
	line, col int
	name      string // name of the variable
	offset    int    // offset in the text where it was found
	patterns  []string
}

const embedDirective = "//go:embed"

// addEmbeds finds the directives of a cell.
func (c *source) addEmbeds(src string) (errs Errors) {
	if !strings.Contains(src, embedDirective) {
		return nil
	}
	found := directives(src)
	fail := func(line, col int, format string, args ...any) {
		errs = append(errs, Diagnostic{Cell: c.n, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)})
	}
	// The variable of a directive is the first one below it, with nothing but comments
	// and blank lines between.
	lines := strings.Split(src, "\n")
	below := func(line int) int {
		for ; line < len(lines); line++ { // lines[line] is the next one
			if t := strings.TrimSpace(lines[line]); t != "" && !strings.HasPrefix(t, "//") {
				return line + 1
			}
		}
		return 0
	}
	vars := c.varSpecs()
	for _, e := range found {
		patterns, err := embedPatterns(e.patterns[0])
		if err != nil {
			fail(e.line, e.col, "invalid //go:embed: %v", err)
			continue
		}
		at := below(e.line)
		i := slices.IndexFunc(vars, func(v varSpec) bool { return v.line == at })
		if i < 0 {
			fail(e.line, e.col, "misplaced go:embed directive: want a line with var NAME TYPE below it, not inside of a function")
			continue
		}
		switch v := vars[i].spec; {
		case len(v.Names) != 1:
			fail(e.line, e.col, "go:embed cannot apply to multiple vars")
		case len(v.Values) > 0:
			fail(e.line, e.col, "go:embed cannot apply to var with initializer")
		default:
			c.embeds = append(c.embeds, embed{line: e.line, col: e.col, name: v.Names[0].Name, patterns: patterns})
		}
	}
	// A directive in a var group stays in the text of the statement, where the compiler
	// would find it misplaced, so break it up.
	for i, ch := range c.stmts {
		if ch.first != token.VAR {
			continue
		}
		for _, e := range directives(ch.src) {
			at := e.offset + len("//go")
			c.stmts[i].src = c.stmts[i].src[:at] + " " + c.stmts[i].src[at+1:]
		}
	}
	return errs
}

// directives returns the go:embed comments. Each has its whole text as the only
// pattern, which addEmbeds splits.
func directives(src string) (found []embed) {
	file := token.NewFileSet().AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, []byte(src), nil, scanner.ScanComments)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return found
		}
		rest, ok := strings.CutPrefix(lit, embedDirective)
		if tok == token.COMMENT && ok && (rest == "" || strings.ContainsAny(rest[:1], " \t\r")) {
			p := file.Position(pos)
			found = append(found, embed{line: p.Line, col: p.Column, offset: p.Offset, patterns: []string{rest}})
		}
	}
}

// A varSpec is a variable declaration of the cell, with the line that it begins in.
type varSpec struct {
	line int
	spec *ast.ValueSpec
}

func (c *source) varSpecs() (out []varSpec) {
	for _, ch := range c.stmts {
		if ch.first != token.VAR {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "", "package main\n"+lineDirective(c.n, ch.line, ch.col)+ch.src, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				at := s.Pos()
				if !g.Lparen.IsValid() {
					at = g.Pos()
				}
				out = append(out, varSpec{fset.Position(at).Line, s.(*ast.ValueSpec)})
			}
		}
	}
	return out
}

// embedPatterns splits the arguments of a directive: words, or Go strings.
func embedPatterns(text string) (patterns []string, err error) {
	for {
		text = strings.TrimLeft(text, " \t\r")
		if text == "" {
			if len(patterns) == 0 {
				return nil, fmt.Errorf("usage: //go:embed pattern")
			}
			return patterns, nil
		}
		word := text
		switch text[0] {
		case '"', '`':
			if word, err = strconv.QuotedPrefix(text); err != nil {
				return nil, fmt.Errorf("invalid quoted string: %s", text)
			}
			p, err := strconv.Unquote(word)
			if err != nil {
				return nil, fmt.Errorf("invalid quoted string: %s", text)
			}
			patterns = append(patterns, p)
		default:
			if i := strings.IndexAny(text, " \t\r"); i >= 0 {
				word = text[:i]
			}
			patterns = append(patterns, word)
		}
		text = text[len(word):]
	}
}

// embedded returns the statement that assigns the embedded files to sym. ok is false
// if sym has no go:embed directive.
func (c *checked) embedded(name string, sym *symbol) (stmt string, ok bool) {
	i := slices.IndexFunc(c.p.c.embeds, func(e embed) bool { return e.name == name })
	if i < 0 || sym == nil {
		return "", false
	}
	e := c.p.c.embeds[i]
	set, typ := "", ""
	t := sym.obj.Type()
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Kind() == types.String {
			set, typ = "SetString", "string"
		}
	case *types.Slice:
		if types.Identical(u.Elem(), types.Typ[types.Byte]) {
			set, typ = "SetBytes", "[]byte"
		}
	case *types.Struct:
		if n, isNamed := types.Unalias(t).(*types.Named); isNamed && n.Obj().Name() == "FS" && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "embed" {
			set, typ = "Set", "nbembed__.FS"
		}
	}
	fail := func(format string, args ...any) (string, bool) {
		c.embedErrs = append(c.embedErrs, Diagnostic{Cell: c.p.c.n, Line: e.line, Col: e.col, Msg: fmt.Sprintf(format, args...)})
		return "", true
	}
	if set == "" {
		return fail("go:embed cannot apply to var of type %s", typeString(t))
	}
	if c.p.s.cfg.Embed == nil {
		return fail("go:embed is not possible here")
	}
	var quoted []string
	files := 0
	for _, pattern := range e.patterns {
		list, err := c.p.s.cfg.Embed(pattern)
		if err != nil {
			return fail("pattern %s: %v", pattern, err)
		}
		files += len(list)
		c.embeds[pattern] = list
		quoted = append(quoted, strconv.Quote(pattern))
	}
	if typ != "nbembed__.FS" && files != 1 {
		return fail("invalid go:embed: multiple files for type %s", typeString(t))
	}
	link := c.p.newLink("nbe"+prime, varKind)
	fmt.Fprintf(&c.embedFile, "%s %s\nvar %s %s\n", embedDirective, strings.Join(quoted, " "), link, typ)
	return fmt.Sprintf("nbrt__.%s(&%s, %s)", set, sym.link, link), true
}
