package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// prime marks the generated part of a name. U+141F is a letter, so the compiler
// accepts it, and nobody types it.
const prime = "ᐟ"

// Clean removes the marks of link names from text meant for the user, such as a
// panic message: pointᐟ2 becomes point.
func Clean(text string) string {
	if !strings.Contains(text, prime) {
		return text
	}
	var b strings.Builder
	for {
		head, tail, ok := strings.Cut(text, prime)
		b.WriteString(head)
		if !ok {
			return b.String()
		}
		text = strings.TrimLeft(tail, "0123456789")
	}
}

// newLink makes the link name of a new version of name.
//
// An exported variable or function gets a leading mark: in a package named main
// the compiler emits plugin export tables for exported names, which the fast mode
// cannot link. A name that is predeclared or an import is marked from the start,
// so that older code continues to mean the builtin or the package.
func (p *plan) newLink(name string, k kind) string {
	base := name
	if (k == varKind || k == funcKind) && ast.IsExported(name) {
		base = prime + name
	}
	mark := types.Universe.Lookup(name) != nil || name == "main" || name == "init" || p.s.used[importMark+name] > 0
	for n := 1; ; n++ {
		link := base
		switch {
		case n > 1:
			link = fmt.Sprintf("%s%s%d", base, prime, n)
		case mark && base == name:
			link = base + prime
		}
		if p.s.used[link] == 0 && !p.links[link] {
			p.links[link] = true
			return link
		}
	}
}

// These marks keep the emitted names of imports and of function-local types apart
// from link names in the table of used names.
const (
	importMark = "import "
	localMark  = "local "
)

// importLink returns the name of an import in generated files: the user's name,
// or another one if a declaration has that link name.
func (p *plan) importLink(name, path string) string {
	if p.s.used[name] == 0 && !p.links[name] && name != "." && name != "_" {
		p.links[importMark+name] = true
		return name
	}
	return p.s.alias(path)
}

// alias returns the canonical import name of a path in generated files.
func (s *Session) alias(path string) string {
	if a := s.aliases[path]; a != "" {
		return a
	}
	word := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, path)
	a := "p_" + word + prime
	for i := 2; s.aliasTaken(a); i++ {
		a = fmt.Sprintf("p_%s%s%d", word, prime, i)
	}
	s.aliases[path] = a
	return a
}

func (s *Session) aliasTaken(a string) bool {
	for _, other := range s.aliases {
		if other == a {
			return true
		}
	}
	return false
}

// lineDirective positions the next line at the given place of a cell.
func lineDirective(cell, line, col int) string {
	return fmt.Sprintf("//line In[%d]:%d:%d\n", cell, line, col)
}

// lineMark positions the following character at the given place.
func lineMark(cell, line, col int) string {
	return fmt.Sprintf("/*line In[%d]:%d:%d*/", cell, line, col)
}
