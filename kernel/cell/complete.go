package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Match is one completion. Type is the front end's word for its kind:
// "instance", "function", "class", "module", "keyword", "field".
type Match struct{ Text, Type, Signature string }

// here is the identifier at the cursor while an unfinished cell is checked.
const here = "nbHERE__"

// Complete lists the completions at the byte offset pos of an unfinished cell.
// The matches replace src[start:end].
func (s *Session) Complete(src string, pos int) (matches []Match, start, end int) {
	pos = min(max(pos, 0), len(src))
	start = wordStart(src, pos)
	if lit, at := literalAt(src, pos); lit != "" {
		return s.completeImport(src[:at], lit, at, pos)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view(src[:start]+here, start)
	if v == nil {
		return nil, start, pos
	}
	defer v.close()
	l := &matchList{prefix: src[start:pos], s: s, seen: map[string]bool{}}
	l.collect(v)
	return l.sorted(), start, pos
}

// wordStart returns the start of the identifier that ends at pos.
func wordStart(src string, pos int) int {
	for pos > 0 {
		r, size := utf8.DecodeLastRuneInString(src[:pos])
		if !isWord(r) {
			break
		}
		pos -= size
	}
	return pos
}

// literalAt returns the text between the start of the string literal or comment
// around pos and pos, and the offset of that start.
func literalAt(src string, pos int) (string, int) {
	toks, _, _ := scan(0, src)
	for _, t := range toks {
		if t.kind == token.STRING && t.pos < pos && (pos < t.stop || pos == t.stop && !closed(t.lit)) {
			return src[t.pos:pos], t.pos
		}
	}
	// After the last token on its line, look for the start of a comment.
	line := src[strings.LastIndexByte(src[:pos], '\n')+1 : pos]
	if i := strings.Index(line, "//"); i >= 0 && !strings.ContainsAny(line[:i], "\"`") {
		return line[i:], pos - len(line) + i
	}
	return "", 0
}

// StringAt returns the text of the string literal around pos, from its quotation
// mark up to pos, or "" if pos is not in a literal.
func StringAt(src string, pos int) string {
	lit, _ := literalAt(src, pos)
	if strings.HasPrefix(lit, "//") || strings.HasPrefix(lit, "/*") {
		return ""
	}
	return lit
}

func closed(lit string) bool { return len(lit) > 1 && lit[0] == lit[len(lit)-1] }

// completeImport completes the path in an import declaration.
func (s *Session) completeImport(before, lit string, at, pos int) ([]Match, int, int) {
	quoted := lit[0] == '"' || lit[0] == '`'
	if s.cfg.Packages == nil || !quoted || !inImport(before) {
		return nil, pos, pos
	}
	var out []Match
	for _, path := range s.cfg.Packages() {
		if strings.HasPrefix(path, lit[1:]) && !strings.Contains("/"+path+"/", "/internal/") && !strings.HasPrefix(path, "vendor/") {
			out = append(out, Match{Text: path, Type: "module"})
		}
	}
	slices.SortFunc(out, func(a, b Match) int { return strings.Compare(a.Text, b.Text) })
	return out, at + 1, pos
}

// inImport reports whether the text ends in an open import declaration.
func inImport(before string) bool {
	toks, _, _ := scan(0, before)
	for i := len(toks) - 1; i >= 0; i-- {
		switch t := toks[i]; {
		case t.kind == token.IMPORT:
			return true
		case t.kind == token.LPAREN, t.kind == token.STRING, t.kind == token.IDENT, t.kind == token.PERIOD:
		case t.kind == token.SEMICOLON && i > 0:
			if !slices.ContainsFunc(toks[:i], func(t tok) bool { return t.kind == token.LPAREN }) {
				return false
			}
		default:
			return false
		}
	}
	return false
}

// A matchList collects completions.
type matchList struct {
	prefix string
	s      *Session
	seen   map[string]bool
	out    []Match
}

// add adds a name if it matches the prefix, ignoring case.
func (l *matchList) add(name, typ, signature string) {
	if l.seen[name] || name == "_" || strings.Contains(name, prime) || reserved(name) {
		return
	}
	if len(name) < len(l.prefix) || !strings.EqualFold(name[:len(l.prefix)], l.prefix) {
		return
	}
	l.seen[name] = true
	l.out = append(l.out, Match{name, typ, signature})
}

func (l *matchList) object(obj types.Object) {
	typ, sig := "instance", typeString(obj.Type())
	switch o := obj.(type) {
	case *types.Func:
		typ = "function"
	case *types.Builtin:
		typ, sig = "function", ""
	case *types.TypeName:
		typ = "class"
	case *types.PkgName:
		typ, sig = "module", o.Imported().Path()
	case *types.Var:
		if o.IsField() {
			typ = "field"
		}
	case *types.Nil:
		sig = ""
	}
	l.add(obj.Name(), typ, sig)
}

// sorted returns the matches: exact case first, then alphabetically.
func (l *matchList) sorted() []Match {
	exact := func(m Match) bool { return strings.HasPrefix(m.Text, l.prefix) }
	if slices.ContainsFunc(l.out, exact) {
		l.out = slices.DeleteFunc(l.out, func(m Match) bool { return !exact(m) })
	}
	slices.SortFunc(l.out, func(a, b Match) int { return strings.Compare(a.Text, b.Text) })
	return l.out
}

// collect finds the candidates at the placeholder.
func (l *matchList) collect(v *view) {
	if v.sel != nil {
		l.members(v)
		return
	}
	if v.lit != nil {
		if st, ok := v.lit.Underlying().(*types.Struct); ok {
			for i := range st.NumFields() {
				if f := st.Field(i); f.Exported() || f.Pkg() == l.s.pkg {
					l.object(f)
				}
			}
		}
	}
	for scope := v.scope; scope != nil; scope = scope.Parent() {
		local := scope != types.Universe && scope != l.s.pkg.Scope()
		for _, name := range scope.Names() {
			obj := scope.Lookup(name)
			if _, ok := obj.(*types.PkgName); !ok && local && obj.Pos() >= v.pos {
				continue
			}
			l.object(obj)
		}
	}
	for name, imp := range l.s.state.imports {
		l.add(name, "module", imp.path)
	}
	if l.prefix == "" {
		return
	}
	for t := token.BREAK; t <= token.VAR; t++ {
		l.add(t.String(), "keyword", "")
	}
	for name, path := range l.s.cfg.AutoImports {
		l.add(name, "module", path)
	}
}

// members lists what may follow the dot.
func (l *matchList) members(v *view) {
	if id, ok := v.sel.X.(*ast.Ident); ok {
		if pn, ok := v.c.info.Uses[id].(*types.PkgName); ok {
			l.packageMembers(pn.Imported())
			return
		}
		if v.c.info.Uses[id] == nil {
			if path := l.s.cfg.AutoImports[id.Name]; path != "" {
				if pkg, err := l.s.imp.Import(path); err == nil {
					l.packageMembers(pkg)
				}
				return
			}
		}
	}
	t := v.c.info.TypeOf(v.sel.X)
	if t == nil || t == types.Typ[types.Invalid] {
		return
	}
	for _, obj := range members(t) {
		if obj.Exported() || obj.Pkg() == l.s.pkg {
			l.object(obj)
		}
	}
}

func (l *matchList) packageMembers(pkg *types.Package) {
	for _, name := range pkg.Scope().Names() {
		if token.IsExported(name) {
			l.object(pkg.Scope().Lookup(name))
		}
	}
}

// members returns the fields and methods that a selector on t can name.
func members(t types.Type) []types.Object {
	var out []types.Object
	mt := t
	if _, ok := t.Underlying().(*types.Pointer); !ok && !types.IsInterface(t) {
		mt = types.NewPointer(t)
	}
	ms := types.NewMethodSet(mt)
	for i := range ms.Len() {
		out = append(out, ms.At(i).Obj())
	}
	return append(out, fields(t, map[types.Type]bool{})...)
}

func fields(t types.Type, seen map[types.Type]bool) []types.Object {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok || seen[t] {
		return nil
	}
	seen[t] = true
	var out []types.Object
	for i := range st.NumFields() {
		f := st.Field(i)
		out = append(out, f)
		if f.Embedded() {
			out = append(out, fields(f.Type(), seen)...)
		}
	}
	return out
}
