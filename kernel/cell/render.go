package cell

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A goFile is a generated file under construction.
type goFile struct {
	imps map[string]string // names -> paths
	body strings.Builder
}

// unit renders the files of a cell and reserves the names that they use.
func (w *rewritten) unit() *Unit {
	p := w.c.p
	u := &Unit{N: p.c.n, Warnings: p.warnings(), AutoImported: p.autoPaths(), next: p.next, objs: p.objs}
	for _, spec := range p.c.imports {
		u.Imported = append(u.Imported, p.s.current(spec.path))
	}
	for sym := range w.c.pinned {
		u.pinned = append(u.pinned, sym)
	}
	blank := p.blankImports()
	slots := w.slotCode()
	u.Empty = w.body.Len() == 0 && slots == "" && len(w.vars) == 0 && len(p.fresh) == 0 && len(p.follow) == 0 && len(blank) == 0
	p.s.take(p, w.c)
	if u.Empty {
		return u
	}
	u.PluginPath = p.s.pluginPath(p.c.n)
	u.Entry = u.PluginPath + ".main"
	w.roots = append(w.roots, w.vars...)
	w.rootsOfDecls()
	files := w.declFiles()
	files["run.go"] = w.runFile(u.PluginPath, slots, blank)
	if text := w.c.embedFile.String(); text != "" {
		f := &goFile{imps: map[string]string{"nbembed__": "embed"}}
		f.body.WriteString("var _ nbembed__.FS\n" + text)
		files["embed.go"], u.Embeds = f, w.c.embeds
	}
	u.Files = map[string]string{}
	paths := map[string]bool{}
	for name, f := range files {
		u.Files[name] = f.render(p.s.cfg.Runtime, paths)
	}
	u.Imports = slices.Sorted(maps.Keys(paths))
	return u
}

// rootsOfDecls makes the cell compile all its declarations, even unused ones, so that errors
// that only the compiler finds are reported now and not in a later cell.
func (w *rewritten) rootsOfDecls() {
	for _, d := range w.c.p.fresh {
		w.roots = append(w.roots, d.syms...)
	}
}

// take reserves the names that a unit may bring into the process. They are never reused.
func (s *Session) take(p *plan, c *checked) {
	for link := range p.links {
		s.used[link]++
	}
	maps.Copy(s.locals, c.locals)
}

// pluginPath returns a path unique to each unit, because a cell number may be reused.
func (s *Session) pluginPath(n int) string {
	s.units[n]++
	if s.units[n] == 1 {
		return fmt.Sprintf("nbcell%d", n)
	}
	return fmt.Sprintf("nbcell%dx%d", n, s.units[n])
}

// blankImports returns the packages that the cell imports for their side effects.
func (p *plan) blankImports() []string {
	var out []string
	for _, spec := range p.c.imports {
		if spec.name == "_" {
			out = append(out, p.s.current(spec.path))
		}
	}
	return out
}

// declFiles renders the declarations that the cell needs: one file per cell that
// they come from, and one for variables.
func (w *rewritten) declFiles() map[string]*goFile {
	var decls, vars []*decl
	reach(w.c.p.next.vars, w.roots, func(d *decl) {
		switch d.kind {
		case varKind:
			vars = append(vars, d)
		default:
			decls = append(decls, d)
			decls = append(decls, d.methods...)
		}
	})
	slices.SortFunc(decls, func(a, b *decl) int {
		return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col), cmp.Compare(a.firstLink(), b.firstLink()))
	})
	files := map[string]*goFile{}
	for _, d := range decls {
		f := fileOf(files, d)
		maps.Copy(f.imps, d.imps)
		f.body.WriteString(d.pragma + lineDirective(d.cell, d.line, d.col) + d.text + "\n")
	}
	if len(vars) > 0 {
		slices.SortFunc(vars, func(a, b *decl) int { return cmp.Compare(a.firstLink(), b.firstLink()) })
		f := &goFile{imps: map[string]string{}}
		for _, d := range vars {
			maps.Copy(f.imps, d.imps)
			if d.inferred {
				fmt.Fprintf(&f.body, "var %s\n", d.varText)
			} else {
				fmt.Fprintf(&f.body, "var %s %s\n", d.syms[0].link, d.varText)
			}
		}
		files["vars.go"] = f
	}
	return files
}

// fileOf returns the file for a declaration: the file of its cell, or another one
// if two cells with the same number import different packages under one name.
func fileOf(files map[string]*goFile, d *decl) *goFile {
	for i := 1; ; i++ {
		name := fmt.Sprintf("c%d.go", d.cell)
		if i > 1 {
			name = fmt.Sprintf("c%d_%d.go", d.cell, i)
		}
		f := files[name]
		if f == nil {
			f = &goFile{imps: map[string]string{}}
			files[name] = f
		}
		if f.agrees(d.imps) {
			return f
		}
	}
}

// agrees reports whether imports are consistent with those of the file.
func (f *goFile) agrees(imps map[string]string) bool {
	for name, path := range imps {
		if have := f.imps[name]; have != "" && have != path {
			return false
		}
	}
	return true
}

func (d *decl) firstLink() string {
	if len(d.syms) == 0 {
		return d.name
	}
	return d.syms[0].link
}

// runFile returns the file with the cell's function.
func (w *rewritten) runFile(pluginPath, slots string, blank []string) *goFile {
	f := &goFile{imps: w.imps}
	for i, path := range blank {
		f.imps[fmt.Sprintf("_ %d", i)] = path
	}
	f.imps["_ unsafe"] = "unsafe" // for go:linkname
	fn := "nbC" + strings.TrimPrefix(pluginPath, "nbc")
	fmt.Fprintf(&f.body, "//go:linkname %s %s.main\nfunc %s() {\n", fn, pluginPath, fn)
	if w.c.p.s.cfg.Fast {
		f.imps["nbamd__"] = "nbamd"
		f.body.WriteString("if nbrt__.False { nbrt__.Keep(&nbrt__.AddModuleData, nbamd__.F) }\n")
	}
	for _, sym := range w.vars {
		fmt.Fprintf(&f.body, "nbrt__.Var(%q, &%s)\n", sym.name, sym.link)
	}
	f.body.WriteString(slots + w.body.String())
	f.body.WriteString("}\n")
	return f
}

// render writes the file and adds the paths it imports to paths.
func (f *goFile) render(runtime string, paths map[string]bool) string {
	body := f.body.String()
	if strings.Contains(body, "nbrt__.") {
		f.imps["nbrt__"] = runtime
	}
	if strings.Contains(body, "nbatomic__.") {
		f.imps["nbatomic__"] = "sync/atomic"
	}
	var b strings.Builder
	b.WriteString("package main\n")
	for _, name := range sortedKeys(f.imps) {
		path := f.imps[name]
		paths[path] = true
		name, _, _ = strings.Cut(name, " ")
		fmt.Fprintf(&b, "import %s %q\n", name, path)
	}
	b.WriteString(body)
	return b.String()
}
