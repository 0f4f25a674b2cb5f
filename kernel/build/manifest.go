package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// manifestFormat changes when older hosts become unusable.
const manifestFormat = 3

const manifestName = "manifest.json"

// A Mode is a way to build cells.
type Mode string

const (
	// Classic links each cell as an ordinary plugin that holds the library code
	// it uses.
	Classic Mode = "classic"
	// Fast links a cell against the shared library that the session program uses.
	Fast Mode = "fast"
)

// A manifest describes a host folder.
type manifest struct {
	Format  int
	Hash    string // of everything that the archives depend on
	Mode    Mode
	Reason  string // why the mode is not Fast
	Go      toolchain
	Source  string   // folder of our module
	Env     []string // GO* settings for later go commands
	Main    string   // import path of the session program
	Roots   []string // packages that were asked for
	Package packages // by import path
}

// A folder is one compiled package.
type folder struct {
	File string // archive, relative to the host folder or absolute
	Dir  string // source
	Std  bool
	Cgo  bool `json:",omitempty"` // whether it has C code, which may need libraries
	// Deps are the packages that it depends on and the host was not made with.
	Deps []string `json:"-"`
}

// packages are compiled packages by import path.
type packages map[string]folder

// files returns the paths of the archives.
func (ps packages) files(dir string) (fs []string) {
	for _, f := range ps {
		fs = append(fs, f.path(dir))
	}
	slices.Sort(fs)
	return fs
}

// ErrNoHost reports that no host has been made in the folder yet.
var ErrNoHost = errors.New("no session program")

// A StaleError reports that the host in a folder is out of date.
type StaleError struct {
	Dir string
	Why string // "was built with go1.26.1, installed is go1.26.8"
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("build: the session program in %s %s", e.Dir, e.Why)
}

func readManifest(dir string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("build: %w in %s", ErrNoHost, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, &StaleError{dir, "has an unreadable manifest: " + err.Error()}
	}
	if m.Format != manifestFormat {
		return nil, &StaleError{dir, fmt.Sprintf("has manifest format %d, this program reads %d", m.Format, manifestFormat)}
	}
	return &m, m.check(dir)
}

// check compares the manifest with the installed Go without starting it.
func (m *manifest) check(dir string) error {
	b, err := os.ReadFile(filepath.Join(m.Go.Root, "VERSION"))
	if err != nil {
		return &StaleError{dir, fmt.Sprintf("was built with %s in %s, which is gone", m.Go.Version, m.Go.Root)}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if v := strings.TrimSpace(line); v != m.Go.Version {
		return &StaleError{dir, fmt.Sprintf("was built with %s, installed is %s", m.Go.Version, v)}
	}
	if newer(m.Go.Version) != nil {
		return &StaleError{dir, fmt.Sprintf("was built with %s, which is newer than the Go that built this program", m.Go.Version)}
	}
	for _, f := range []string{filepath.Join(m.Go.Tools, "compile"), filepath.Join(m.Go.Tools, "link"), filepath.Join(dir, sessionName)} {
		if _, err := os.Stat(f); err != nil {
			return &StaleError{dir, fmt.Sprintf("lacks %s", f)}
		}
	}
	return nil
}

func (m *manifest) write(dir string) error {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), b, 0o644)
}

// importcfg returns the importcfg file for compile and link.
func importcfg(dir string, pkgs packages) []byte {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(pkgs)) {
		fmt.Fprintf(&b, "packagefile %s=%s\n", p, pkgs[p].path(dir))
	}
	return []byte(b.String())
}

func (f folder) path(dir string) string {
	if filepath.IsAbs(f.File) {
		return f.File
	}
	return filepath.Join(dir, f.File)
}
