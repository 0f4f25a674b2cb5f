package build

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Modules holds the modules that one notebook imports beyond those of its host, from
// the proxy or the local disk. They are resolved with the notebook's own go.mod, which
// starts with the modules that the host holds. These are compiled in, so their versions
// are fixed: if a module asks for a newer version of one, that version is excluded, and
// the held one is used. Other modules get the version in the user's own go.mod or else
// their newest one, as with go get.
//
// Only one goroutine at a time may call its methods. They need the network if the module
// cache does not have what they look for, and honour GOPROXY and related variables.
type Modules struct {
	h    *Host
	file string // the notebook's go.mod
	// Env returns the environment of the notebook. Only the variables in fetchEnv,
	// which say where modules come from, are used. It may be nil.
	Env func() []string

	ours   map[string]bool   // modules that the host holds
	beyond map[string]bool   // those of ours that cells import other packages of
	held   map[string]string // module path -> version that the session holds
	local  map[string]string // local modules -> folder
	stamps map[string]stamp  // of loaded local packages
	as     map[string]string // loaded local modules -> their version, which names of files in compiled packages contain
	copies map[string]string // local modules -> their newest copy
	origin map[string]string // copies -> the original module
	rounds int               // number of copies made
	wishes map[string]wish   // by module: the version in the user's go.mod files
	chosen map[string]bool   // modules whose version was chosen
	told   map[wish]bool     // overruled wishes that were reported
	vendor vendoring
}

// Modules makes the state of a new notebook in an empty folder.
func (h *Host) Modules(dir string) (*Modules, error) {
	m := &Modules{h: h, file: filepath.Join(dir, "notebook.mod"), beyond: map[string]bool{}, local: map[string]string{}, stamps: map[string]stamp{},
		as: map[string]string{}, copies: map[string]string{}, origin: map[string]string{}, wishes: map[string]wish{}, chosen: map[string]bool{}, told: map[wish]bool{},
		vendor: vendoring{modules: map[string]string{}, fetched: map[string]bool{}, own: map[string]bool{}}}
	for from, to := range map[string]string{"go.mod": m.file, "go.sum": m.sum()} {
		b, err := os.ReadFile(filepath.Join(h.m.Source, from))
		if err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
	}
	f, err := m.read()
	if err != nil {
		return nil, err
	}
	m.held, m.ours = map[string]string{}, map[string]bool{}
	holds := h.modulesOf(f)
	for _, r := range slices.Clone(f.Require) {
		if holds[r.Mod.Path] {
			m.held[r.Mod.Path], m.ours[r.Mod.Path] = r.Mod.Version, true
		} else if err := f.DropRequire(r.Mod.Path); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
	}
	for _, t := range slices.Clone(f.Tool) {
		if err := f.DropTool(t.Path); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
	}
	return m, m.write(f)
}

// modulesOf returns the modules required by f that the host holds packages of.
func (h *Host) modulesOf(f *modfile.File) map[string]bool {
	holds := map[string]bool{}
	for p, pkg := range h.m.Package {
		if pkg.Std {
			continue
		}
		best := ""
		for _, r := range f.Require {
			if within(p, r.Mod.Path) && len(r.Mod.Path) > len(best) {
				best = r.Mod.Path
			}
		}
		if best != "" {
			holds[best] = true
		}
	}
	return holds
}

func (m *Modules) sum() string { return strings.TrimSuffix(m.file, ".mod") + ".sum" }

// holdsOf reports whether the host holds a package of the module.
func (h *Host) holdsOf(mod string) bool {
	for p := range h.m.Package {
		if within(p, mod) {
			return true
		}
	}
	return false
}

// within reports whether path is the module's path or below it.
func within(path, mod string) bool { return path == mod || strings.HasPrefix(path, mod+"/") }

func (m *Modules) read() (*modfile.File, error) {
	b, err := os.ReadFile(m.file)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	return modfile.Parse("go.mod", b, nil)
}

func (m *Modules) write(f *modfile.File) error {
	f.Cleanup()
	b, err := f.Format()
	if err != nil {
		return fmt.Errorf("build: go.mod: %w", err)
	}
	return os.WriteFile(m.file, b, 0o600)
}

// A Module is one that the notebook can import from.
type Module struct {
	Path, Version string
	Dir           string // folder of a local module, else empty
	Loaded        bool   // whether the session holds packages of it
	Ours          bool   // whether our own module requires it
	Vendored      bool   // whether Dir is in vendor/
}

// List returns the modules, sorted by path.
func (m *Modules) List() ([]Module, error) {
	f, err := m.read()
	if err != nil {
		return nil, err
	}
	var out []Module
	for _, r := range f.Require {
		p := r.Mod.Path
		if m.origin[p] != "" {
			continue
		}
		_, loaded := m.held[p]
		l := Module{Path: p, Version: r.Mod.Version, Dir: m.local[p], Loaded: loaded, Ours: m.ours[p]}
		if l.Dir != "" {
			l.Version, l.Loaded = "", m.loadedOf(p)
			_, l.Vendored = m.vendor.modules[p]
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// keeping runs f, which changes go.mod, and restores it if f fails.
func (m *Modules) keeping(f func() error) error {
	mod, err := os.ReadFile(m.file)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	sum, err := os.ReadFile(m.sum())
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	err = f()
	if err != nil {
		os.WriteFile(m.file, mod, 0o600)
		os.WriteFile(m.sum(), sum, 0o600)
	}
	return err
}

// A CollisionError reports a request for a version of a module other than the one
// that the session holds.
type CollisionError struct {
	Module, Held, Wanted string
	// Host is set if the version is compiled into the session program. A new
	// process does not help then: the version depends on the installation.
	Host bool
	// Err is the compile error with the version that the session holds; nil if that
	// was not tried.
	Err error
}

func (e *CollisionError) Unwrap() error { return e.Err }

func (e *CollisionError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("it wants %s %s and does not compile with %s, which is loaded (%v)", e.Module, e.Wanted, e.Held, e.Err)
	}
	if e.Host {
		return fmt.Sprintf("%s %s is part of the session program; %s cannot be loaded beside it", e.Module, e.Held, e.Wanted)
	}
	return fmt.Sprintf("%s %s is loaded, and a session cannot load %s beside it", e.Module, e.Held, e.Wanted)
}

// Get changes the versions of modules; args are path@version, as for go get. If it
// returns a *CollisionError, nothing has changed. With fresh, meant for a new session
// process, it first forgets what was loaded since the host was made.
func (m *Modules) Get(ctx context.Context, progress func(string), fresh bool, args ...string) error {
	local, vendored, fetched := maps.Clone(m.local), maps.Clone(m.vendor.modules), maps.Clone(m.vendor.fetched)
	err := m.keeping(func() error {
		held := m.held
		if fresh {
			held = m.heldByHost()
		}
		if err := m.notVendored(fresh, args); err != nil {
			return err
		}
		if err := m.dropExcludes(); err != nil {
			return err
		}
		var changes []string // shown only if the versions are accepted
		if _, err := m.run(ctx, withoutChanges(progress, &changes), append(m.command("get", tagsFlag(m.tags())), args...)...); err != nil {
			return err
		}
		paths := make([]string, len(args))
		for i, a := range args {
			paths[i], _, _ = strings.Cut(a, "@")
		}
		f, err := m.read()
		if err != nil {
			return err
		}
		for _, r := range f.Require {
			p, v := r.Mod.Path, r.Mod.Version
			if have := held[p]; have == "" || have == v || m.local[p] != "" || !slices.ContainsFunc(args, func(a string) bool { return within(strings.Split(a, "@")[0], p) }) {
				continue
			}
			return &CollisionError{Module: p, Held: held[p], Wanted: v, Host: m.h.holdsOf(p)}
		}
		if err := m.choose(paths); err != nil {
			return err
		}
		if _, err := m.pin(ctx, held); err != nil {
			return err
		}
		if err := m.lowered(held); err != nil {
			return err
		}
		if fresh {
			m.Forget()
		}
		for _, line := range changes {
			if w := strings.Fields(line); progress != nil && len(w) > 1 && !m.ours[w[1]] {
				progress(line)
			}
		}
		return nil
	})
	if err != nil {
		m.local, m.vendor.modules, m.vendor.fetched = local, vendored, fetched
		return errors.Join(err, m.writeOverlay())
	}
	m.vendoredAgain(args)
	return nil
}

// withoutChanges returns progress without the lines about versions, which it collects
// in changes instead.
func withoutChanges(progress func(string), changes *[]string) func(string) {
	return func(line string) {
		if word, _, _ := strings.Cut(line, " "); word == "added" || word == "upgraded" || word == "downgraded" {
			*changes = append(*changes, line)
		} else if progress != nil {
			progress(line)
		}
	}
}

// lowered returns an error for a module that go get downgraded below the version that
// the session holds, because the requested versions are incompatible with that.
func (m *Modules) lowered(held map[string]string) error {
	f, err := m.read()
	if err != nil {
		return err
	}
	now := map[string]string{}
	for _, r := range f.Require {
		now[r.Mod.Path] = r.Mod.Version
	}
	for _, p := range slices.Sorted(maps.Keys(held)) {
		if v := now[p]; m.local[p] == "" && v != "" && semver.Compare(v, held[p]) < 0 {
			return &CollisionError{Module: p, Held: held[p], Wanted: v, Host: m.h.holdsOf(p)}
		}
	}
	return nil
}

// dropExcludes removes the exclusions that pin added, because go get refuses excluded
// versions.
func (m *Modules) dropExcludes() error {
	f, err := m.read()
	if err != nil {
		return err
	}
	for _, e := range slices.Clone(f.Exclude) {
		if err := f.DropExclude(e.Mod.Path, e.Mod.Version); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	return m.write(f)
}

// Forget forgets the loaded packages, for a new session process.
func (m *Modules) Forget() {
	m.held = m.heldByHost()
	m.h.mu.Lock()
	m.h.extra = packages{}
	m.h.mu.Unlock()
	m.stamps, m.as, m.copies = map[string]stamp{}, map[string]string{}, map[string]string{}
	m.vendor.read = nil
}

func (m *Modules) heldByHost() map[string]string {
	held := maps.Clone(m.held)
	maps.DeleteFunc(held, func(p, _ string) bool { return !m.h.holdsOf(p) })
	return held
}

// pin keeps held and local modules at their versions by excluding newer ones that other
// modules ask for. It also excludes versions of other modules that only modules of the host ask
// for: the host's packages are compiled already, and a library that nobody imported must
// not choose versions for the user. It reports whether go.mod has changed and must be
// resolved again.
func (m *Modules) pin(ctx context.Context, held map[string]string) (changed bool, err error) {
	f, err := m.read()
	if err != nil {
		return false, err
	}
	before := len(f.Exclude)
	out, err := m.run(ctx, nil, m.command("mod", "graph")...)
	if err != nil {
		return false, err
	}
	g := graphOf(string(out))
	asked := m.askedFor(g, f)
	kept := func(p string) string {
		if m.local[p] != "" {
			return m.as[p]
		}
		return held[p]
	}
	exclude := func(p, v string) bool {
		have := kept(p)
		switch {
		case p == modulePath || v == "" || have == "" && m.local[p] != "":
			return false
		case have != "":
			return semver.Compare(v, have) > 0
		}
		return !asked[p+"@"+v]
	}
	for _, node := range slices.Sorted(maps.Keys(g.nodes)) {
		if p, v, _ := strings.Cut(node, "@"); semver.IsValid(v) && exclude(p, v) {
			if err := f.AddExclude(p, v); err != nil {
				return false, fmt.Errorf("build: %w", err)
			}
		}
	}
	for _, r := range slices.Clone(f.Require) {
		p, v := r.Mod.Path, r.Mod.Version
		switch {
		case !exclude(p, v):
			continue
		case kept(p) != "":
			err = f.AddRequire(p, kept(p))
		default:
			err = f.DropRequire(p)
		}
		if err != nil {
			return false, fmt.Errorf("build: %w", err)
		}
		changed = true
	}
	for _, p := range slices.Sorted(maps.Keys(held)) { // those that go get removed
		if m.local[p] == "" && !slices.ContainsFunc(f.Require, func(r *modfile.Require) bool { return r.Mod.Path == p }) {
			if err := f.AddRequire(p, held[p]); err != nil {
				return false, fmt.Errorf("build: %w", err)
			}
			changed = true
		}
	}
	changed = changed || len(f.Exclude) > before
	if !changed {
		return false, nil
	}
	return true, m.write(f)
}

// A graph is what go mod graph prints: which module asks for which.
type graph struct {
	edges map[string][]string
	nodes map[string]bool
}

func graphOf(text string) graph {
	g := graph{map[string][]string{}, map[string]bool{}}
	for l := range strings.Lines(text) {
		from, to, ok := strings.Cut(strings.TrimSpace(l), " ")
		if !ok {
			continue
		}
		g.edges[from] = append(g.edges[from], to)
		g.nodes[from], g.nodes[to] = true, true
	}
	return g
}

// askedFor returns the module versions that the notebook's imports require: the chosen,
// held and local modules and everything they ask for, directly or not. It leaves out
// what modules of the host ask for, unless cells import packages of them that the host
// does not hold.
func (m *Modules) askedFor(g graph, f *modfile.File) map[string]bool {
	asked := map[string]bool{}
	var walk func(node string)
	walk = func(node string) {
		p, _, _ := strings.Cut(node, "@")
		if asked[node] || m.ours[p] && !m.beyond[p] || p == modulePath {
			return
		}
		asked[node] = true
		for _, to := range g.edges[node] {
			walk(to)
		}
	}
	for _, r := range f.Require {
		if m.chosen[r.Mod.Path] || m.local[r.Mod.Path] != "" || m.held[r.Mod.Path] != "" {
			walk(r.Mod.String())
		}
	}
	return asked
}

// maxPins limits how often go.mod is resolved again with versions excluded. Each round
// excludes all newer versions in the graph, so few are needed.
const maxPins = 4

// Add fetches the modules of packages that the host does not hold and compiles the
// packages with all their dependencies. It returns the paths that are new to the host,
// dependencies first: a session must load a Library of them before a cell that imports
// one. Lines about what is fetched and compiled go to progress.
func (m *Modules) Add(ctx context.Context, progress func(string), paths ...string) (added []string, err error) {
	if err := m.checkVendor(ctx, paths); err != nil {
		return nil, m.inOriginals(err)
	}
	err = m.keeping(func() error {
		if err := m.goBeyond(paths); err != nil {
			return err
		}
		if err := m.newest(ctx, progress, paths); err != nil {
			return err
		}
		for round := 0; ; round++ {
			// Settle the versions first: do not compile against one that pin may exclude.
			if _, err := m.run(ctx, progress, append(m.command("list", "-mod=mod", tagsFlag(m.tags()), "-deps", "-f", "{{.ImportPath}}"), paths...)...); err != nil {
				return m.missing(err)
			}
			again, err := m.pin(ctx, m.held)
			if err != nil {
				return err
			}
			if !again {
				break
			}
			if round == maxPins {
				return errors.New("build: the modules cannot be had with the versions that the session holds")
			}
		}
		added, err = m.compile(ctx, progress, paths)
		return m.missing(err)
	})
	if err == nil {
		m.tellOverruled(progress)
		m.tellChanged(progress)
	}
	return added, m.inOriginals(err)
}

// goBeyond records the modules of the host that paths are further packages of: what these
// modules ask for counts from now on, so no version of it may stay excluded.
func (m *Modules) goBeyond(paths []string) error {
	fresh := false
	for mod := range m.ours {
		if !m.beyond[mod] && slices.ContainsFunc(paths, func(p string) bool { return within(p, mod) }) {
			m.beyond[mod], fresh = true, true
		}
	}
	if !fresh {
		return nil
	}
	return m.dropExcludes()
}

// newest chooses the newest version of each module of the packages that is not chosen,
// held, or named in the user's go.mod files. Without it the go command takes the version that some other module
// happens to ask for, which may be years old. If newest fails, Add continues without it:
// the module cache may hold what is needed.
func (m *Modules) newest(ctx context.Context, progress func(string), paths []string) error {
	var get []string
	for _, p := range paths {
		host, _, _ := strings.Cut(p, "/")
		named := !strings.Contains(host, ".") || within(p, modulePath) || m.dirOf(m.Original(p)) != ""
		for mod := range m.chosen {
			named = named || within(p, mod)
		}
		for mod := range m.wishes {
			named = named || within(p, mod)
		}
		for mod := range m.held {
			named = named || within(p, mod)
		}
		if !named {
			get = append(get, p)
		}
	}
	if len(get) == 0 {
		return nil
	}
	err := m.keeping(func() error {
		if err := m.dropExcludes(); err != nil {
			return err
		}
		var changes []string // pin may revert some of them
		if _, err := m.run(ctx, withoutChanges(progress, &changes), append(m.command("get", tagsFlag(m.tags())), get...)...); err != nil {
			return err
		}
		if err := m.choose(get); err != nil {
			return err
		}
		if _, err := m.pin(ctx, m.held); err != nil {
			return err
		}
		return m.lowered(m.held)
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// choose records that the versions of the modules of these packages have been chosen.
func (m *Modules) choose(paths []string) error {
	f, err := m.read()
	if err != nil {
		return err
	}
	for _, p := range paths {
		best := ""
		for _, r := range f.Require {
			if within(p, r.Mod.Path) && len(r.Mod.Path) > len(best) {
				best = r.Mod.Path
			}
		}
		if best != "" {
			m.chosen[best] = true
		}
	}
	return nil
}

// A wish is a version of a module that one of the user's go.mod files asks for.
type wish struct{ file, module, version string }

// tellOverruled reports, once each, the versions in the user's go.mod files that differ
// from those that the session uses.
func (m *Modules) tellOverruled(progress func(string)) {
	if progress == nil {
		return
	}
	for _, p := range slices.Sorted(maps.Keys(m.wishes)) {
		w := m.wishes[p]
		held := m.held[p]
		if held == "" || held == w.version || m.local[p] != "" || m.told[w] {
			continue
		}
		m.told[w] = true
		why := "the session has loaded it"
		if m.h.holdsOf(p) {
			why = "it is part of the session program"
		}
		progress(fmt.Sprintf("%s asks for %s %s; %s is used, because %s", w.file, p, w.version, held, why))
	}
}

// missing turns err into a *CollisionError if it names a module that is kept at the
// version that the session holds: code that needs another version does not compile.
func (m *Modules) missing(err error) error {
	fe, ok := errors.AsType[*FetchError](err)
	if !ok {
		return err
	}
	f, ferr := m.read()
	if ferr != nil {
		return err
	}
	c := &CollisionError{Err: err}
	for _, e := range f.Exclude {
		p, v := e.Mod.Path, e.Mod.Version
		if m.held[p] != "" && m.names(fe.Text, p) && (c.Module == "" || c.Module == p && semver.Compare(v, c.Wanted) > 0) {
			c.Module, c.Held, c.Wanted, c.Host = p, m.held[p], v, m.h.holdsOf(p)
		}
	}
	if c.Module == "" {
		return err
	}
	return c
}

// names reports whether a text names a module, one of its packages or something in
// them, such as lo.Map.
func (m *Modules) names(text, mod string) bool {
	if strings.Contains(text, mod+"/") || strings.Contains(text, mod+"@") {
		return true
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" *()[]", r) })
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	for _, all := range []packages{m.h.extra, m.h.m.Package} {
		for p := range all {
			prefix, _, _ := module.SplitPathVersion(p)
			if within(p, mod) && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, path.Base(prefix)+".") }) {
				return true
			}
		}
	}
	return false
}

func (m *Modules) compile(ctx context.Context, progress func(string), paths []string) (added []string, err error) {
	tags := m.tags()
	args := append(m.command("list", "-mod=mod", "-deps", "-export", "-v"), m.h.m.Go.listFlags(tags...)...)
	out, err := m.run(ctx, progress, append(append(args, listFields+",Module,Deps"), paths...)...)
	if err != nil {
		return nil, err
	}
	all, err := decodeList(strings.NewReader(string(out)))
	if err != nil {
		return nil, err
	}
	h := m.h
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := map[string]bool{} // loaded packages that would be compiled differently now
	for _, l := range all {
		if l.Name == "main" && slices.Contains(paths, l.ImportPath) {
			return nil, fmt.Errorf("%s is a program, not a package to import", l.ImportPath)
		}
		if l.Export == "" {
			continue
		}
		if f, have := h.m.Package[l.ImportPath]; have {
			if len(tags) > 0 && !sameFile(f.path(h.dir), l.Export) {
				return nil, tagsError(tags, l.ImportPath, "part of the session program")
			}
			continue
		}
		if f, have := h.extra[l.ImportPath]; have {
			if f.File != l.Export && len(tags) > 0 {
				return nil, tagsError(tags, l.ImportPath, "loaded")
			}
			if !sameFile(f.File, l.Export) {
				changed[l.ImportPath] = true
			}
			continue
		}
		for _, d := range l.Deps { // dependencies come first in the list
			if changed[d] {
				return nil, &FetchError{Text: fmt.Sprintf("package %s, which %s imports, has changed since the session loaded it: a restart of the kernel loads both", d, m.Original(l.ImportPath))}
			}
		}
		deps := slices.DeleteFunc(l.Deps, func(p string) bool { _, have := h.m.Package[p]; return have })
		h.extra[l.ImportPath] = folder{File: l.Export, Dir: l.Dir, Std: l.Standard, Cgo: len(l.CgoFiles) > 0, Deps: deps}
		added = append(added, l.ImportPath)
		if l.Module == nil {
			continue
		}
		if p := m.Original(l.ImportPath); m.dirOf(p) != "" {
			m.stamps[p] = m.stampOf(p)
			if m.as[l.Module.Path] == "" {
				m.as[l.Module.Path] = l.Module.Version
			}
		} else if l.Module.Path != modulePath {
			m.held[l.Module.Path] = l.Module.Version
		}
	}
	return added, nil
}
