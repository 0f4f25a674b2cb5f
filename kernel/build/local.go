package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Local registers the local modules that dir belongs to: the one whose go.mod is in or
// above dir, or those of the go.work there, with their replace and exclude directives.
// It returns the paths of the modules that are new. The next call sees changes of
// these files. If a go.mod cannot be read, the error is one line.
func (m *Modules) Local(dir string) (found []string, err error) {
	gomod, gowork := above(dir, "go.mod"), above(dir, "go.work")
	if err := m.useVendor(gomod, gowork); err != nil {
		return nil, err
	}
	defer func() {
		if err == nil && len(found) > 0 && m.vendor.dir != "" {
			err = m.writeOverlay() // with the go.mod of what was found
		}
	}()
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

// above returns the path of the file name in dir or the nearest folder above it.
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

// devel is the version of local modules whose major version is 0 or 1.
const devel = "v0.0.0" + develTime

const develTime = "-00010101000000-000000000000"

// LocalFile matches a local module, path and version, in a file name as the compiler
// writes it.
var LocalFile = regexp.MustCompile(`([^\s@]+)@v\d+\.0\.0` + develTime)

// addLocal registers the module of one go.mod.
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
		return nil, nil // our own module is there already
	}
	path, dir := l.Module.Mod.Path, filepath.Dir(gomod)
	m.vendor.own[path] = true
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

// Files returns the Go files that the package in dir is compiled from, including those
// that cmd/cgo writes. If the go command fails, output is what it printed.
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

// Use makes dir the source of the module path.
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

// replace adds replacements, with folders relative to dir, except those of modules
// that the session holds.
func (m *Modules) replace(dir string, rs []*modfile.Replace) error {
	if len(rs) == 0 || m.vendor.dir != "" { // vendor/ holds the replacements
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
			delete(m.vendor.modules, r.Old.Path)
		}
		if err := f.AddReplace(r.Old.Path, r.Old.Version, to, r.New.Version); err != nil {
			return &FetchError{Text: err.Error(), Err: err}
		}
	}
	return m.write(f)
}

// A stamp is compared with a later one to see whether the files of a folder changed.
type stamp struct {
	files int
	size  int64
	time  time.Time
	tags  string
}

// stampOf returns the stamp of a local package.
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

// moduleOf returns the path of the local module that holds the package.
func (m *Modules) moduleOf(path string) string {
	best := ""
	for mod := range m.local {
		if within(path, mod) && len(mod) > len(best) && m.origin[mod] == "" {
			best = mod
		}
	}
	return best
}

// dirOf returns the folder of a local package, or "" for other packages.
func (m *Modules) dirOf(path string) string {
	mod := m.moduleOf(path)
	if mod == "" {
		return ""
	}
	return filepath.Join(m.local[mod], filepath.FromSlash(strings.TrimPrefix(path, mod)))
}

// Original returns the path under which the notebook knows a package.
func (m *Modules) Original(path string) string {
	for c, mod := range m.origin {
		if within(path, c) {
			return mod + strings.TrimPrefix(path, c)
		}
	}
	return path
}

// Current returns the path of the newest copy of an edited local package, or path
// itself if there is no copy.
func (m *Modules) Current(path string) string {
	path = m.Original(path)
	if mod := m.moduleOf(path); mod != "" && m.copies[mod] != "" {
		return m.copies[mod] + strings.TrimPrefix(path, mod)
	}
	return path
}

// IsLocal reports whether a package is on the local disk.
func (m *Modules) IsLocal(path string) bool { return m.dirOf(m.Original(path)) != "" }

// IsCopy reports whether a package is a copy made after an edit.
func (m *Modules) IsCopy(path string) bool { return m.Original(path) != path }
