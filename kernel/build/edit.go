package build

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// Edited returns the loaded local packages whose files have changed.
func (m *Modules) Edited() (paths []string) {
	for _, p := range slices.Sorted(maps.Keys(m.stamps)) {
		if m.stampOf(p) != m.stamps[p] {
			paths = append(paths, p)
		}
	}
	return paths
}

// Renew recompiles the loaded local packages after an edit. A process cannot load a
// package twice, so Renew copies the modules under another path, which Current
// returns: code compiled from now on uses the copies, and existing values keep their
// types. Like Add, it returns the paths of packages to load. After an error the
// packages loaded before stay in use, and Renew does not try the files again until
// they change.
func (m *Modules) Renew(ctx context.Context, progress func(string)) (added []string, err error) {
	m.rounds++
	old, stamps := maps.Clone(m.copies), maps.Clone(m.stamps)
	var paths []string
	mods := m.touched()
	for p := range stamps {
		stamps[p] = m.stampOf(p)
		if slices.Contains(mods, m.moduleOf(p)) {
			paths = append(paths, p)
		}
	}
	err = m.keeping(func() error {
		for _, mod := range mods {
			m.copies[mod] = fmt.Sprintf("%s.r%d", mod, m.rounds)
			m.origin[m.copies[mod]] = mod
		}
		for i, mod := range mods {
			dir := filepath.Join(filepath.Dir(m.file), fmt.Sprintf("edit%d", m.rounds), fmt.Sprint(i))
			if err := m.copyModule(mod, dir); err != nil {
				return err
			}
			if err := m.Use(m.copies[mod], dir); err != nil {
				return err
			}
		}
		for i, p := range paths {
			paths[i] = m.Current(p)
		}
		var err error
		added, err = m.Add(ctx, progress, paths...)
		return err
	})
	if err != nil {
		for _, mod := range mods {
			delete(m.local, m.copies[mod])
		}
		m.copies, m.stamps = old, stamps
		return nil, err
	}
	return added, nil
}

// touched returns the modules to copy after an edit: all loaded local ones, and of those
// in vendor/, which may be many and seldom change, those that were edited or import one
// that is copied.
func (m *Modules) touched() (mods []string) {
	for _, p := range m.Edited() {
		mods = append(mods, m.moduleOf(p))
	}
	for p := range m.stamps {
		if _, ok := m.vendor.modules[m.moduleOf(p)]; !ok {
			mods = append(mods, m.moduleOf(p))
		}
	}
	extra := m.h.added()
	for more := true; more; {
		more = false
		for p := range m.stamps {
			mod := m.moduleOf(p)
			if !slices.Contains(mods, mod) && slices.ContainsFunc(extra[m.Current(p)].Deps, func(d string) bool { return slices.Contains(mods, m.moduleOf(m.Original(d))) }) {
				mods, more = append(mods, mod), true
			}
		}
	}
	slices.Sort(mods)
	return slices.Compact(mods)
}

// inOriginals replaces folders of copies in an error message with the user's folders.
func (m *Modules) inOriginals(err error) error {
	fe, ok := err.(*FetchError) // not a FetchError wrapped in another error
	if !ok {
		return err
	}
	text := fe.Text
	for c, mod := range m.origin {
		for _, as := range []string{m.local[c], relativeTo(m.h.m.Source, m.local[c])} {
			if as != "" {
				text = strings.ReplaceAll(text, as, m.local[mod])
			}
		}
	}
	return &FetchError{Text: m.InOriginals(text), Err: fe.Err}
}

// InOriginals replaces the paths of copies in a text with those by which the notebook knows the
// packages.
func (m *Modules) InOriginals(text string) string {
	for c, mod := range m.origin {
		text = strings.NewReplacer(c+"/", mod+"/", c+`"`, mod+`"`).Replace(text)
	}
	return text
}

func relativeTo(base, dir string) string {
	if r, err := filepath.Rel(base, dir); err == nil {
		return r
	}
	return dir
}

// maxData is the largest file other than Go source that is copied with a module: it may
// be embedded, or just lie there.
const maxData = 64 << 20

// copyModule copies a module under its new path.
func (m *Modules) copyModule(mod, to string) error {
	from := m.local[mod]
	language, inVendor := m.vendor.modules[mod]
	if inVendor {
		if err := errors.Join(os.MkdirAll(to, 0o700), os.WriteFile(filepath.Join(to, "go.mod"), []byte(moduleFile(m.copies[mod], language)), 0o600)); err != nil {
			return err
		}
	}
	return filepath.WalkDir(from, func(f string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, f)
		if err != nil {
			return err
		}
		name, target := d.Name(), filepath.Join(to, rel)
		if d.IsDir() {
			if f != from && (strings.HasPrefix(name, ".") || name == "testdata" || name == "vendor" || isFile(filepath.Join(f, "go.mod")) || inVendor && m.inVendor(f)) {
				return fs.SkipDir
			}
			return os.MkdirAll(target, 0o700)
		}
		switch {
		case !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go"):
			return nil
		case name == "go.mod" && inVendor:
			return nil
		case name == "go.mod":
			return m.copyGoMod(f, target, m.copies[mod])
		case strings.HasSuffix(name, ".go"):
			return m.copyGo(f, target)
		}
		if i, err := d.Info(); err != nil || i.Size() > maxData {
			return err
		}
		return linkOrCopy(f, target)
	})
}

func (m *Modules) copyGoMod(from, to, path string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := modfile.Parse(from, b, nil)
	if err != nil {
		return &FetchError{Text: err.Error(), Err: err}
	}
	if err := f.AddModuleStmt(path); err != nil {
		return err
	}
	for _, r := range slices.Clone(f.Require) {
		if m.copies[r.Mod.Path] != "" || m.vendor.dir != "" {
			if err := f.DropRequire(r.Mod.Path); err != nil {
				return err
			}
		}
	}
	if b, err = f.Format(); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// copyGo copies a Go file and renames its imports of copied packages. It copies a file
// that does not parse unchanged: the compiler reports what is wrong with it.
func (m *Modules) copyGo(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if f, err := parser.ParseFile(token.NewFileSet(), "", b, parser.ImportsOnly); err == nil {
		for _, spec := range slices.Backward(f.Imports) {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil || m.Current(p) == p {
				continue
			}
			at := int(spec.Path.Pos()) - int(f.FileStart)
			b = slices.Replace(b, at, at+len(spec.Path.Value), []byte(strconv.Quote(m.Current(p)))...)
		}
	}
	return os.WriteFile(to, b, 0o600)
}
