package cell

import (
	"go/token"
	"go/types"
	"maps"
	"strings"
)

type kind uint8

const (
	varKind kind = iota
	funcKind
	methodKind
	typeKind
	constKind
)

func (k kind) String() string {
	return [...]string{"var", "func", "method", "type", "const"}[k]
}

// A decl is one version of one declaration. It is immutable once its cell is
// committed; a redefinition makes a new decl.
type decl struct {
	kind      kind
	name      string // the method's name; for other kinds, used only in messages
	cell      int
	line, col int
	src       string // the user's text
	norm      string // its tokens, to compare versions
	generic   bool
	pragma    string // directives before a function, one per line
	prev      *decl  // the version that this one replaces, if it follows a redefinition

	syms    []*symbol // what it declares; several for a const group, none for methods and blanks
	recv    string    // methods: user's name of the receiver's base type
	aliasOf string    // types: the name that an alias stands for, if it is one
	methods []*decl   // types

	uses []use  // names in src that it does not declare itself, by offset
	text string // src for the compiler: link names, instrumentation
	imps map[string]string

	// A variable is declared by the text of its type, or by an expression of that
	// type. The expression is never evaluated: package initialisation does not run.
	varText  string
	varDeps  []*symbol
	inferred bool
}

// A symbol is a name of the notebook, bound to one version.
type symbol struct {
	name, link string
	decl       *decl
	obj        types.Object // its object in go/types, under the user's name
	pinned     bool         // variables: something may hold its address
	slot       bool         // see slots.go
	hidden     bool         // constant of a group that is no longer in scope
}

// A use is a name in a declaration's text and the object it refers to.
type use struct {
	off  int
	sym  *symbol   // the notebook's symbol, or nil
	imp  *imported // the import if the name is a package's, or nil
	dot  bool      // the name comes from a dot import
	name string
}

// An imported is an import of the notebook; emitted is its name in generated files.
type imported struct {
	name, path, emitted string
}

// A state is everything that a notebook defines at one point in time. States are copied, never changed.
type state struct {
	scope   map[string]*symbol
	imports map[string]*imported
	dots    []string
	vars    map[string]*decl     // by link name: the current declaration of each variable's storage
	slots   map[string][]*symbol // by the name of the function
}

func newState() *state {
	return &state{scope: map[string]*symbol{}, imports: map[string]*imported{}, vars: map[string]*decl{}, slots: map[string][]*symbol{}}
}

func (st *state) clone() *state {
	return &state{
		scope:   maps.Clone(st.scope),
		imports: maps.Clone(st.imports),
		dots:    append([]string(nil), st.dots...),
		vars:    maps.Clone(st.vars),
		slots:   maps.Clone(st.slots),
	}
}

// allUses yields the uses of a declaration and of its methods.
func (d *decl) allUses(yield func(*decl, use) bool) {
	for _, u := range d.uses {
		if !yield(d, u) {
			return
		}
	}
	for _, m := range d.methods {
		for _, u := range m.uses {
			if !yield(m, u) {
				return
			}
		}
	}
}

// deps yields the symbols that d needs to compile.
func (d *decl) deps(yield func(*symbol) bool) {
	for _, u := range d.allUses {
		if u.sym != nil && !yield(u.sym) {
			return
		}
	}
	for _, sym := range d.varDeps {
		if !yield(sym) {
			return
		}
	}
}

// reach calls visit once for every declaration that roots need. Variables are
// looked up by link name, because a new version of their type may have replaced
// their declaration.
func reach(vars map[string]*decl, roots []*symbol, visit func(*decl)) {
	seen := map[*decl]bool{}
	var walk func(d *decl)
	walk = func(d *decl) {
		if seen[d] {
			return
		}
		seen[d] = true
		visit(d)
		for sym := range d.deps {
			walk(current(vars, sym))
		}
	}
	for _, sym := range roots {
		walk(current(vars, sym))
	}
}

func current(vars map[string]*decl, sym *symbol) *decl {
	if sym.decl.kind == varKind {
		if d := vars[sym.link]; d != nil {
			return d
		}
	}
	return sym.decl
}

// dependsOnVar reports whether sym is a variable or needs one.
func (sym *symbol) dependsOnVar() bool {
	found := false
	reach(nil, []*symbol{sym}, func(d *decl) { found = found || d.kind == varKind })
	return found
}

// normalize returns the tokens of a text, without comments and layout.
func normalize(src string) string {
	toks, _, _ := scan(0, src)
	var b strings.Builder
	for _, t := range toks {
		if t.kind == token.SEMICOLON {
			b.WriteByte(';')
			continue
		}
		if t.lit != "" {
			b.WriteString(t.lit)
		} else {
			b.WriteString(t.kind.String())
		}
		b.WriteByte(' ')
	}
	return b.String()
}
