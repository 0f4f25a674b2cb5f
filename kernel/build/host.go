package build

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// A Host is a prepared session program with the archives that its cells are
// compiled against. Its methods may be called from several goroutines.
type Host struct {
	dir  string
	m    *manifest
	lock *os.File

	library func() (*fastLibrary, error) // of fast mode, read once

	mu    sync.Mutex
	extra packages            // added after the host was made
	whole map[string][]string // see wholeAfter: symbol -> packages

	findTemp sync.Once
	tempEnv  []string
}

// temp returns the result of temporary, computed once.
func (h *Host) temp() []string {
	h.findTemp.Do(func() { h.tempEnv = temporary() })
	return h.tempEnv
}

// Open finds the newest host in dir, the Dir of Prepare. It takes milliseconds.
// It fails with ErrNoHost or a *StaleError if Prepare must run first.
func Open(dir string) (*Host, error) {
	for {
		h, name, err := openCurrent(dir)
		if err == nil {
			return h, nil
		}
		// A Prepare may have made another one the newest, and removed this one.
		if now, changed := os.ReadFile(filepath.Join(dir, currentName)); changed != nil || strings.TrimSpace(string(now)) == name {
			return nil, err
		}
	}
}

// openCurrent opens the host that the file "current" names.
func openCurrent(dir string) (h *Host, name string, err error) {
	b, err := os.ReadFile(filepath.Join(dir, currentName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("build: %w in %s", ErrNoHost, dir)
	}
	if err != nil {
		return nil, "", fmt.Errorf("build: %w", err)
	}
	name = strings.TrimSpace(string(b))
	if name == "" || name != filepath.Base(name) {
		return nil, name, &StaleError{dir, "is named wrongly in " + currentName}
	}
	h, err = openDir(filepath.Join(dir, name))
	return h, name, err
}

func openDir(dir string) (*Host, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	// If we cannot write to a folder, nobody can remove it under us either.
	l, err := lock(dir, syscall.LOCK_SH)
	if err != nil && !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return nil, fmt.Errorf("build: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, manifestName)); err != nil { // it was removed before we had the lock
		l.Close()
		return nil, fmt.Errorf("build: %w in %s", ErrNoHost, dir)
	}
	h := &Host{dir: dir, m: m, lock: l, extra: packages{}, whole: map[string][]string{}}
	h.library = sync.OnceValues(func() (*fastLibrary, error) { return openFast(dir, m.Package) })
	if m.Mode == Fast {
		go h.library() // the first cell need not wait for it
	}
	return h, nil
}

// Close lets a later Prepare remove the host. Loaded cells stay loaded.
func (h *Host) Close() error {
	if h.lock == nil {
		return nil
	}
	return h.lock.Close()
}

// Program returns the path of the session program.
func (h *Host) Program() string { return filepath.Join(h.dir, sessionName) }

// GoVersion returns the version of Go that the host was built with, such as go1.26.8.
func (h *Host) GoVersion() string { return h.m.Go.Version }

// Source returns the folder of our module that the host was built from.
func (h *Host) Source() string { return h.m.Source }

// Mode returns how cells are built and, if not in fast mode, why.
func (h *Host) Mode() (m Mode, reason string) { return h.m.Mode, h.m.Reason }

// Packages returns the import paths that a cell may import without Modules.Add, sorted.
func (h *Host) Packages() []string { return importable(h.packages()) }

// Builder returns the Builder of cells for this host.
func (h *Host) Builder() Builder {
	if h.m.Mode == Fast {
		return &fast{h}
	}
	return &classic{h}
}

// packages returns a copy of the packages known now.
func (h *Host) packages() packages {
	m := maps.Clone(h.m.Package)
	maps.Copy(m, h.added())
	return m
}

// added returns a copy of the added packages.
func (h *Host) added() packages {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.extra)
}

func (h *Host) find(path string) (folder, bool) {
	if f, ok := h.m.Package[path]; ok {
		return f, true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.extra[path]
	return f, ok
}

// Has reports whether the package was compiled ahead of time or added since.
func (h *Host) Has(path string) bool {
	_, ok := h.find(path)
	return ok || path == "unsafe"
}

// Export opens the compiled package so that go/importer can read its export data. It
// fails with an *UnknownPackageError if the host does not have the package.
func (h *Host) Export(path string) (io.ReadCloser, error) {
	f, ok := h.find(path)
	if !ok {
		return nil, &UnknownPackageError{Path: path}
	}
	return os.Open(f.path(h.dir))
}

// Dir returns the folder with the package's source; ok is false if it is unknown.
func (h *Host) Dir(path string) (dir string, ok bool) {
	f, ok := h.find(path)
	return f.Dir, ok && f.Dir != ""
}

// env returns the environment of go commands for this host.
func (h *Host) env() []string {
	env := slices.DeleteFunc(environ(), func(kv string) bool { return strings.HasPrefix(kv, "GOENV=") })
	return append(append(env, h.m.Env...), h.temp()...)
}

// An UnknownPackageError reports a package that is not part of the host.
type UnknownPackageError struct{ Path string }

func (e *UnknownPackageError) Error() string {
	return fmt.Sprintf("build: package %s is not part of the session", e.Path)
}

// Added returns the packages among paths and their dependencies that were added after
// the host was made.
func (h *Host) Added(paths []string) (added []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[string]bool{}
	for _, p := range paths {
		f, ok := h.extra[p]
		if !ok {
			continue
		}
		for _, d := range append([]string{p}, f.Deps...) {
			if _, ok := h.extra[d]; ok && !seen[d] {
				seen[d] = true
				added = append(added, d)
			}
		}
	}
	return added
}
