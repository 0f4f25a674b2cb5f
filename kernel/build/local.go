package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Local makes the modules known in whose folders dir lies: that of the go.mod
// above it, or those of the go.work above it, with what they replace and exclude.
// It returns the paths of those that are new. A change of those files is seen by
// the next call. A go.mod that cannot be read is an error of one line.
func (m *Modules) Local(dir string) (found []string, err error) {
	gomod, gowork := above(dir, "go.mod"), above(dir, "go.work")
	if gowork != "" {
		b, err := os.ReadFile(gowork)
		if err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
		w, err := modfile.ParseWork(gowork, b, nil)
		if err != nil {
			return nil, &FetchError{Text: err.Error(), Err: err}
		}
		for _, u := range w.Use {
			p, err := m.addLocal(filepath.Join(abs(filepath.Dir(gowork), u.Path), "go.mod"))
			if err != nil {
				return found, err
			}
			found = append(found, p...)
		}
		if err := m.replace(filepath.Dir(gowork), w.Replace); err != nil {
			return found, err
		}
	}
	if gomod != "" {
		p, err := m.addLocal(gomod)
		return append(found, p...), err
	}
	return found, nil
}

// above is the file of that name in dir or a folder above it.
func above(dir, name string) string {
	for {
		if f := filepath.Join(dir, name); isFile(f) {
			return f
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

func isFile(f string) bool {
	s, err := os.Stat(f)
	return err == nil && s.Mode().IsRegular()
}

func abs(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// devel is the version of modules of the local disk, of the first major version.
const devel = "v0.0.0" + develTime

const develTime = "-00010101000000-000000000000"

// LocalFile matches the module of a file of the local disk as the compiler writes it:
// its path and its version.
var LocalFile = regexp.MustCompile(`([^\s@]+)@v\d+\.0\.0` + develTime)

// addLocal makes one module known by its go.mod.
func (m *Modules) addLocal(gomod string) ([]string, error) {
	b, err := os.ReadFile(gomod)
	if err != nil {
		return nil, &FetchError{Text: err.Error(), Err: err}
	}
	l, err := modfile.ParseLax(gomod, b, nil)
	if err != nil {
		return nil, &FetchError{Text: err.Error(), Err: err}
	}
	if l.Module == nil || l.Module.Mod.Path == modulePath || m.h.holdsOf(l.Module.Mod.Path) {
		return nil, nil // ours is there
	}
	path, dir := l.Module.Mod.Path, filepath.Dir(gomod)
	for _, r := range l.Require {
		if have, ok := m.wishes[r.Mod.Path]; !ok || have.file == gomod || semver.Compare(r.Mod.Version, have.version) > 0 {
			m.wishes[r.Mod.Path] = wish{gomod, r.Mod.Path, r.Mod.Version}
		}
	}
	if full, err := modfile.Parse(gomod, b, nil); err == nil {
		if err := m.replace(dir, full.Replace); err != nil {
			return nil, err
		}
	}
	if m.local[path] == dir {
		return nil, nil
	}
	if err := m.Use(path, dir); err != nil {
		return nil, err
	}
	return []string{path}, nil
}

// Files are the Go files that a package in a folder is compiled from, those that cmd/cgo
// writes among them; output is what the go command says where it fails.
func (m *Modules) Files(ctx context.Context, dir string) (files []string, output string, err error) {
	c := exec.CommandContext(ctx, "go", "list", "-compiled", "-json=Dir,CompiledGoFiles", ".")
	c.Dir, c.Env = dir, m.env()
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, "", context.Cause(ctx)
		}
		return nil, errs.String(), err
	}
	var l struct {
		Dir             string
		CompiledGoFiles []string
	}
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		return nil, "", fmt.Errorf("build: go list: %w", err)
	}
	for _, f := range l.CompiledGoFiles {
		files = append(files, abs(l.Dir, f))
	}
	return files, "", nil
}

// Use makes a folder the source of a module.
func (m *Modules) Use(path, dir string) error {
	f, err := m.read()
	if err != nil {
		return err
	}
	version := devel
	if _, major, ok := module.SplitPathVersion(path); ok && major != "" {
		version = module.PathMajorPrefix(major) + ".0.0" + develTime
	}
	if err := errors.Join(f.AddRequire(path, version), f.AddReplace(path, "", dir, "")); err != nil {
		return &FetchError{Text: err.Error(), Err: err}
	}
	m.local[path] = dir
	return m.write(f)
}

// replace adds replacements, with folders relative to dir. Those of modules that
// the session holds are left out.
func (m *Modules) replace(dir string, rs []*modfile.Replace) error {
	if len(rs) == 0 {
		return nil
	}
	f, err := m.read()
	if err != nil {
		return err
	}
	for _, r := range rs {
		if m.held[r.Old.Path] != "" || r.Old.Path == modulePath {
			continue
		}
		to := r.New.Path
		if r.New.Version == "" {
			to = abs(dir, to)
			m.local[r.Old.Path] = to
		}
		if err := f.AddReplace(r.Old.Path, r.Old.Version, to, r.New.Version); err != nil {
			return &FetchError{Text: err.Error(), Err: err}
		}
	}
	return m.write(f)
}

// A stamp reports whether the files of a folder have changed.
type stamp struct {
	files int
	size  int64
	time  time.Time
	tags  string
}

// stampOf is the stamp of a local package.
func (m *Modules) stampOf(path string) stamp {
	s := stampOf(m.dirOf(path))
	s.tags = strings.Join(m.tags(), ",")
	return s
}

func stampOf(dir string) (s stamp) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return s
	}
	for _, e := range all {
		i, err := e.Info()
		if err != nil || !i.Mode().IsRegular() || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		s.files++
		s.size += i.Size()
		if i.ModTime().After(s.time) {
			s.time = i.ModTime()
		}
	}
	return s
}

// moduleOf is the local module that holds the package, by its own path.
func (m *Modules) moduleOf(path string) string {
	best := ""
	for mod := range m.local {
		if within(path, mod) && len(mod) > len(best) && m.origin[mod] == "" {
			best = mod
		}
	}
	return best
}

// dirOf is the folder of a local package, "" for others.
func (m *Modules) dirOf(path string) string {
	mod := m.moduleOf(path)
	if mod == "" {
		return ""
	}
	return filepath.Join(m.local[mod], filepath.FromSlash(strings.TrimPrefix(path, mod)))
}

// Original is the path by which the notebook knows a package.
func (m *Modules) Original(path string) string {
	for c, mod := range m.origin {
		if within(path, c) {
			return mod + strings.TrimPrefix(path, c)
		}
	}
	return path
}

// Current is the path of the newest copy of a local package that was edited, or
// path itself.
func (m *Modules) Current(path string) string {
	path = m.Original(path)
	if mod := m.moduleOf(path); mod != "" && m.copies[mod] != "" {
		return m.copies[mod] + strings.TrimPrefix(path, mod)
	}
	return path
}

// Renames are the modules that were copied, and earlier copies of them, with the
// newest copy of each.
func (m *Modules) Renames() map[string]string {
	out := maps.Clone(m.copies)
	for c, mod := range m.origin {
		if now := m.copies[mod]; now != "" && now != c {
			out[c] = now
		}
	}
	return out
}

// Edited lists the loaded packages of the local disk whose files have changed.
func (m *Modules) Edited() (paths []string) {
	for _, p := range slices.Sorted(maps.Keys(m.stamps)) {
		if m.stampOf(p) != m.stamps[p] {
			paths = append(paths, p)
		}
	}
	return paths
}

// Renew compiles the local packages that were loaded again, after an edit. A
// process cannot load a package twice, so the modules are copied under another
// path, which Current tells: code that is compiled from now on uses the copies,
// and what was made before keeps its types. The paths it returns are those of Add.
// After an error the packages that were loaded before serve on; the files are not
// looked at again before they change.
func (m *Modules) Renew(ctx context.Context, progress func(string)) (added []string, err error) {
	m.rounds++
	old, stamps := maps.Clone(m.copies), maps.Clone(m.stamps)
	var mods, paths []string
	for p := range stamps {
		stamps[p] = m.stampOf(p)
		paths = append(paths, p)
		if mod := m.moduleOf(p); !slices.Contains(mods, mod) {
			mods = append(mods, mod)
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

// inOriginals replaces the folders of copies by the user's in a message.
func (m *Modules) inOriginals(err error) error {
	fe, ok := err.(*FetchError) // not one that another error explains
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
		text = strings.ReplaceAll(text, c+"/", mod+"/")
	}
	return &FetchError{Text: text, Err: fe.Err}
}

func relativeTo(base, dir string) string {
	if r, err := filepath.Rel(base, dir); err == nil {
		return r
	}
	return dir
}

// maxData bounds the files beside Go source that are copied with a module: they
// may be embedded, or just lie there.
const maxData = 64 << 20

// copyModule copies a module under its new path.
func (m *Modules) copyModule(mod, to string) error {
	from := m.local[mod]
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
			if f != from && (strings.HasPrefix(name, ".") || name == "testdata" || name == "vendor" || isFile(filepath.Join(f, "go.mod"))) {
				return fs.SkipDir
			}
			return os.MkdirAll(target, 0o700)
		}
		switch {
		case !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go"):
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
	for mod := range m.copies {
		if err := f.DropRequire(mod); err != nil {
			return err
		}
	}
	if b, err = f.Format(); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// copyGo copies a file with its imports of copied packages renamed. A file that
// does not parse is copied as it is: the compiler tells what is wrong with it.
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

// IsLocal reports whether a package is of the local disk.
func (m *Modules) IsLocal(path string) bool { return m.dirOf(m.Original(path)) != "" }

// IsCopy reports whether a package is a copy that was made after an edit.
func (m *Modules) IsCopy(path string) bool { return m.Original(path) != path }
