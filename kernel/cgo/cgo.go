package cgo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Notebook is the C code of a notebook. Its methods may be called by one goroutine at
// a time.
type Notebook struct {
	dir      string
	run      Compiler
	n        int                  // packages made
	last     string               // the C code of the last cell that had some
	packages map[string][]*linked // keyed by their C code
	versions map[string]int       // number of versions of the C code
	declared map[string]string    // what the cells have declared so far
}

// A linked is a package generated from C code.
type linked struct {
	alias, path string
	k           *known
	uses        []use
}

// New makes the state of a notebook; its packages are in folders below dir.
func New(dir string, run Compiler) *Notebook {
	n := &Notebook{dir: dir, run: run, versions: map[string]int{}}
	n.Forget()
	return n
}

// Forget resets the notebook. Call it when none of its declarations is left.
func (n *Notebook) Forget() { n.declared, n.packages = map[string]string{}, map[string][]*linked{} }

// A Cell is a cell whose C code has been taken out.
type Cell struct {
	// Source is the cell's Go code: the same number of lines, with C_name instead of
	// C.name, followed by declarations.
	Source string
	// Path and Dir name the new package that the cell imports, or are "".
	Path, Dir string

	text     string
	notebook *Notebook
	preamble string
	fresh    map[string]string // declarations
	made     *linked
}

// Prefix begins the paths of the packages.
const Prefix = "gopherpod.cgo/"

// Cell takes the C code out of a cell; it returns nil if there is none. If the C code
// is wrong, the error is an *Error. Call Commit when the cell has been loaded.
func (n *Notebook) Cell(ctx context.Context, text string) (*Cell, error) {
	s, err := cut(text)
	if s == nil || err != nil {
		return nil, err
	}
	if strings.TrimSpace(s.preamble) == "" {
		s.preamble = n.last // of an earlier cell
	}
	c := &Cell{text: text, notebook: n, fresh: map[string]string{}, preamble: s.preamble}
	packages := n.packages[s.preamble]
	var lacking []use
	for _, u := range s.uses {
		if _, _, ok := meaningIn(packages, u); !ok {
			lacking = append(lacking, u)
		}
	}
	if len(packages) == 0 {
		lacking = append(lacking, defined(s.preamble)...)
	}
	if len(packages) == 0 && len(lacking) == 0 {
		lacking = []use{{name: "int"}} // so that the C code is compiled anyway
	}
	if len(lacking) > 0 {
		if c.made, err = n.link(ctx, c, s, lacking); err != nil {
			os.RemoveAll(c.Dir)
			return nil, err
		}
		packages = append(slices.Clone(packages), c.made)
	}
	c.Source = s.replaced(packages) + c.declarations(s, packages)
	return c, nil
}

// link makes a package of the C code that offers the given names.
func (n *Notebook) link(ctx context.Context, c *Cell, s *source, uses []use) (*linked, error) {
	n.n++
	l := &linked{alias: fmt.Sprintf("nbcgo%d", n.n), path: fmt.Sprintf("%sc%d", Prefix, n.n)}
	c.Path, c.Dir = l.path, filepath.Join(n.dir, fmt.Sprintf("cgo%d", n.n))
	var err error
	if l.k, l.uses, err = probe(ctx, n.run, c.Dir, c.Path, s, uses); err != nil {
		return nil, err
	}
	if n.versions[s.preamble] == 0 {
		n.versions[s.preamble] = len(n.versions) + 1
	}
	l.k.version = n.versions[s.preamble]
	shim, line := l.k.shim(l.uses)
	whole, _ := file(s.preamble, l.uses, line)
	return l, write(c.Dir, map[string]string{probeFile: whole, "shim.go": shim})
}

// meaningIn returns the meaning of a use, from the first package that has it.
func meaningIn(packages []*linked, u use) (m meaning, l *linked, ok bool) {
	for _, l := range packages {
		m, ok := l.k.meaningOf(u, l.alias)
		// A use that goes through the package must have been prepared in it.
		if ok && (!strings.Contains(m.decl, l.alias+".") || slices.ContainsFunc(l.uses, func(v use) bool { return v.name == u.name && v.call == u.call && v.two == u.two })) {
			return m, l, true
		}
	}
	return m, nil, false
}

// replaced returns the text with the cell's names instead of C's.
func (s *source) replaced(packages []*linked) string {
	b := []byte(s.text)
	for _, u := range slices.Backward(s.uses) {
		if m, _, ok := meaningIn(packages, u); ok {
			b = slices.Replace(b, u.at, u.end, []byte(m.as)...)
		}
	}
	for i := s.from; i < s.to; i++ { // import "C", which is before all uses
		b[i] = ' '
	}
	return string(b)
}

// declarations returns the additional declarations of the cell, after a line end.
func (c *Cell) declarations(s *source, packages []*linked) string {
	var decls []string
	add := func(name, decl string) {
		if c.notebook.declared[name] != decl && c.fresh[name] != decl {
			c.fresh[name] = decl
			decls = append(decls, decl)
		}
	}
	for _, u := range s.uses {
		m, l, ok := meaningIn(packages, u)
		if !ok {
			continue
		}
		for _, name := range l.k.reached(l.k.texts(u)...) {
			in := l.k.typeIn(name)
			add(in, "type "+in+" "+l.k.inCell(l.k.types[name]))
		}
		if m.decl != "" {
			add(m.name, m.decl)
		}
	}
	text := "\n" + strings.Join(decls, "\n") + "\n"
	imports := ""
	for _, l := range packages {
		switch {
		case strings.Contains(text, l.alias+"."):
			imports += "\nimport " + l.alias + " \"" + l.path + "\""
		case l == c.made:
			imports += "\nimport _ \"" + l.path + "\""
		}
	}
	if strings.Contains(text, "unsafe.") && !strings.Contains(c.text, `"unsafe"`) {
		imports += "\nimport \"unsafe\""
	}
	return imports + text
}

// Commit adds the cell's declarations to the notebook.
func (c *Cell) Commit() {
	n := c.notebook
	n.last = c.preamble
	if c.made != nil {
		n.packages[c.preamble] = append(n.packages[c.preamble], c.made)
	}
	for name, decl := range c.fresh {
		n.declared[name] = decl
	}
}

var ours = regexp.MustCompile(`\bC[_2pvm](\w+?)(__\d+)?\b(\(\))?`)

// Told returns a message with C.name instead of the cell's name for it.
func (c *Cell) Told(msg string) string {
	return ours.ReplaceAllStringFunc(msg, func(all string) string {
		m := ours.FindStringSubmatch(all)
		if strings.Contains(c.text, "C."+m[1]) || m[2] != "" {
			return "C." + m[1]
		}
		return all
	})
}

// Function returns the C name of a function that Cell declared, or "" for any other name.
func Function(name string) string {
	if m := ours.FindStringSubmatch(name); m != nil && m[0] == name {
		return "C." + m[1]
	}
	return ""
}

// Line returns a line of the cell as the user wrote it, counted from 1, or "" if there is none.
func (c *Cell) Line(n int) string {
	lines := strings.Split(c.text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}
