package build

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

const (
	modulePath  = "github.com/gopherpod/gopherpod"
	runtimePath = modulePath + "/kernel/session/rt"
	sessionName = "session" // the session program
	ldName      = "ld"      // the program made of ld/ld.c
	cfgName     = "importcfg"
	currentName = "current" // names the folder of the newest host
	lockName    = "lock"
)

//go:embed ld/ld.c
var ldSource []byte

// Options are what to prepare and how.
type Options struct {
	// Source is the folder of our module, whose go.mod has all that a session needs.
	Source string
	// Dir is the folder of all hosts. A host in use never changes: Prepare makes a
	// new one beside it and removes old ones that are not in use.
	Dir string
	// Main is the import path of the session program; the default is the one with
	// our magics, or the one without any if the module has no magics.
	Main string
	// Packages are import paths to compile ahead of time in addition to those that
	// every host has: the standard library, gonum and our own.
	Packages []string
	// Lean leaves out what Packages and Main do not import, so that tests build in
	// seconds.
	Lean bool
	// Mode is the way to build cells; the default is the fastest one that passes its
	// self-test on this machine.
	Mode Mode
	// Progress is called with one line about each step; it may be nil.
	Progress func(string)
}

// listFlags returns flags that compile every archive for use in a shared library, in a
// position-independent program and with plugins. On macOS Go has no shared libraries,
// so use with plugins is enough. The tags are for package rt, which needs what only
// sessions can link.
func (tc *toolchain) listFlags(more ...string) []string {
	tags := "-tags=" + strings.Join(slices.Concat([]string{"gopherpod_session"}, tc.Tags, more), ",")
	if tc.OS != "linux" {
		return []string{"-trimpath", "-buildmode=plugin", tags}
	}
	return []string{"-trimpath", "-linkshared", "-buildmode=shared", tags}
}

// standard lists what every host holds besides the standard library.
var standard = []string{
	"gonum.org/v1/gonum/blas/blas64", "gonum.org/v1/gonum/dsp/fourier", "gonum.org/v1/gonum/floats", "gonum.org/v1/gonum/integrate",
	"gonum.org/v1/gonum/interp", "gonum.org/v1/gonum/mat", "gonum.org/v1/gonum/optimize", "gonum.org/v1/gonum/stat", "gonum.org/v1/gonum/stat/distuv",
	"gonum.org/v1/plot", "gonum.org/v1/plot/plotter", "gonum.org/v1/plot/plotutil", "gonum.org/v1/plot/vg", "gonum.org/v1/plot/vg/draw",
	"gonum.org/v1/plot/vg/vgimg", "gonum.org/v1/plot/vg/vgsvg",
}

// ours lists the packages of this module that cells may import.
var ours = []string{"kernel/display", "tensors", "runpod", "runpod/place", "runpod/transfer", "runpod/train", "runpod/sweep", "runpod/dataset", "worker"}

// Prepare makes a host, or finds an existing one that fits. It takes about a minute on
// two cores if Go's build cache is empty, and under a second if the host exists. An
// interrupted Prepare leaves nothing behind except in the cache.
func Prepare(ctx context.Context, o Options) (*Host, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	var err error
	if o.Source, err = filepath.Abs(o.Source); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	tc, env, err := findToolchain(ctx)
	if err != nil {
		return nil, err
	}
	p := &preparation{Options: o, tc: tc, env: env}
	p.setRoots()
	hash, err := p.hash()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(o.Dir, hash)
	if h, err := openDir(dir); err == nil {
		return h, p.point(hash)
	}
	h, err := p.make(ctx, dir, hash)
	if err != nil {
		return nil, err
	}
	if err := p.point(hash); err != nil {
		return nil, err
	}
	Clean(o.Dir) // what cannot be removed now is removed by a later kernel
	return h, nil
}

// A preparation is one run of Prepare.
type preparation struct {
	Options
	tc    *toolchain
	env   []string
	roots []string
}

func (p *preparation) hasPackage(rel string) bool {
	m, _ := filepath.Glob(filepath.Join(p.Source, filepath.FromSlash(rel), "*.go"))
	return slices.ContainsFunc(m, func(f string) bool { return !strings.HasSuffix(f, "_test.go") })
}

func (p *preparation) setRoots() {
	if p.Main == "" {
		p.Main = modulePath + "/kernel/session/plain"
		if p.hasPackage("magics/session") {
			p.Main = modulePath + "/magics/session"
		}
	}
	p.roots = append([]string{runtimePath, "sync/atomic", "unsafe"}, p.Packages...)
	if p.Lean {
		return
	}
	p.roots = append(append(p.roots, "std"), standard...)
	for _, rel := range ours {
		if p.hasPackage(rel) {
			p.roots = append(p.roots, path.Join(modulePath, rel))
		}
	}
}

// hashed lists the folders and files of our module that a host is made of.
var hashed = []string{"go.mod", "go.sum", "kernel/session/frame", "kernel/session/host", "kernel/session/plain", "kernel/session/rt", "kernel/check", "kernel/display", "kernel/magic", "kernel/secrets", "magics", "runpod", "tensors", "worker"}

// hash returns a hash of everything that the host depends on.
func (p *preparation) hash() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, manifestFormat, *p.tc, p.tc.listFlags(), p.Main, p.roots, p.Lean, p.Mode, p.Source)
	h.Write(ldSource)
	for _, rel := range hashed {
		err := filepath.WalkDir(filepath.Join(p.Source, filepath.FromSlash(rel)), func(f string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			return p.hashFile(h, f, d)
		})
		if err != nil {
			return "", fmt.Errorf("build: sources: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:10]), nil
}

// hashFile adds a file to the hash if a compiled package could depend on it.
func (p *preparation) hashFile(h io.Writer, f string, d fs.DirEntry) error {
	name := d.Name()
	if d.IsDir() {
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
			return fs.SkipDir
		}
		return nil
	}
	if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".py") || strings.HasSuffix(name, ".md") {
		return nil
	}
	b, err := os.ReadFile(f)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(p.Source, f)
	if err != nil {
		return err
	}
	fmt.Fprintln(h, rel, len(b))
	_, err = h.Write(b)
	return err
}

// make builds the host in a temporary folder and moves it into place. The folder is locked
// until the host is open, so that no other process removes it.
func (p *preparation) make(ctx context.Context, dir, hash string) (*Host, error) {
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	tmp, err := os.MkdirTemp(p.Dir, unfinished)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	defer os.RemoveAll(tmp)
	held, err := lock(tmp, syscall.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	defer held.Close()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if err := p.fill(ctx, tmp, dir, hash); err != nil {
		return nil, err
	}
	if h, err := openDir(dir); err == nil { // another process has made it meanwhile
		return h, nil
	}
	os.RemoveAll(dir) // if there is one, it is broken: openDir refused it
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return nil, fmt.Errorf("build: %w", err)
	}
	return openDir(dir)
}

// fill makes the host in tmp. Its final place is dir.
func (p *preparation) fill(ctx context.Context, tmp, dir, hash string) error {
	m := &manifest{Format: manifestFormat, Hash: hash, Go: *p.tc, Source: p.Source, Main: p.Main, Roots: p.roots}
	for _, kv := range p.env {
		if k, _, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "GO") || k == "CGO_ENABLED" {
			m.Env = append(m.Env, kv)
		}
	}
	p.Progress("compiling packages")
	listed, err := p.list(ctx)
	if err != nil {
		return err
	}
	if err := keepArchives(tmp, m, listed); err != nil {
		return err
	}
	if err := p.buildLD(ctx, tmp); err != nil {
		return err
	}
	if err := p.linkMode(ctx, tmp, m, listed); err != nil {
		return err
	}
	// The file holds the final paths, because the folder is renamed later.
	if err := os.WriteFile(filepath.Join(tmp, cfgName), importcfg(dir, m.Package), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if err := m.write(tmp); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

func (p *preparation) buildLD(ctx context.Context, dir string) error {
	src := filepath.Join(dir, "ld.c")
	if err := os.WriteFile(src, ldSource, 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	cc := strings.Fields(p.tc.CC)
	_, err := run(ctx, dir, p.env, cc[0], append(cc[1:], "-O1", "-o", filepath.Join(dir, ldName), src)...)
	return err
}

// linkMode makes the session program for the fastest mode that works here.
func (p *preparation) linkMode(ctx context.Context, dir string, m *manifest, all []listed) error {
	i := slices.IndexFunc(all, func(l listed) bool { return l.ImportPath == p.Main })
	if i < 0 || all[i].Name != "main" {
		return fmt.Errorf("build: %s is not a program", p.Main)
	}
	if err := os.WriteFile(filepath.Join(dir, "link.cfg"), importcfg(dir, m.Package), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if p.Mode == Classic {
		m.Mode, m.Reason = Classic, "it was asked for"
		return p.makeClassic(ctx, dir, m, all[i])
	}
	known := maps.Clone(m.Package)
	m.Mode = Fast
	err := p.tc.checkAssumptions()
	if err == nil {
		err = p.linkFast(ctx, dir, m, all[i])
	}
	if err == nil {
		err = p.try(ctx, dir, m)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.Mode == Fast {
		return fmt.Errorf("build: fast mode: %w", err)
	}
	p.Progress("fast mode does not work here, using classic mode")
	m.Mode, m.Reason, m.Package = Classic, "fast mode: "+err.Error(), known
	return p.makeClassic(ctx, dir, m, all[i])
}

// makeClassic makes the session program in classic mode and runs the self-test. There is
// no third mode: if classic mode fails too, cells would lose their results with this Go.
func (p *preparation) makeClassic(ctx context.Context, dir string, m *manifest, main listed) error {
	err := p.linkClassic(ctx, dir, m, main)
	if err == nil {
		err = p.try(ctx, dir, m)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	if m.Reason != "" {
		err = fmt.Errorf("%w (%s)", err, m.Reason)
	}
	return fmt.Errorf("build: cells do not work with %s: classic mode: %w", p.tc.Version, err)
}

// try runs the self-test in the folder where the host is made.
func (p *preparation) try(ctx context.Context, dir string, m *manifest) error {
	p.Progress("testing " + string(m.Mode) + " mode")
	if err := os.WriteFile(filepath.Join(dir, cfgName), importcfg(dir, m.Package), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	h := &Host{dir: dir, m: m, extra: packages{}, whole: map[string][]string{}}
	h.library = sync.OnceValues(func() (*fastLibrary, error) { return openFast(dir, m.Package) })
	return h.selfTest(ctx)
}

// importable returns the packages that the host links in: all that code outside their
// modules may import, and therefore all that a cell may import.
func importable(pkgs packages) []string {
	return importableOf(slices.Sorted(maps.Keys(pkgs)))
}

func importableOf(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		// runtime/race only exists for programs built with -race.
		return p == "unsafe" || p == "runtime/race" || p == amdPath || strings.HasPrefix(p, "vendor/") || slices.Contains(strings.Split(p, "/"), "internal")
	})
}

// linkClassic makes the session program in classic mode: an ordinary program that
// initialises every package that a cell may import.
func (p *preparation) linkClassic(ctx context.Context, dir string, m *manifest, main listed) error {
	p.Progress("linking the session program")
	cfg := filepath.Join(dir, "link.cfg")
	all := filepath.Join(dir, "all.go")
	if err := os.WriteFile(all, blankImports("main", importable(m.Package)), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	out := filepath.Join(dir, "main.a")
	args := append(compileFlags("main", p.tc), "-o", out, "-importcfg", cfg, all)
	for _, f := range main.GoFiles {
		args = append(args, filepath.Join(main.Dir, f))
	}
	if _, err := run(ctx, dir, p.env, filepath.Join(p.tc.Tools, "compile"), args...); err != nil {
		return err
	}
	// pie: code compiled for shared libraries crashes at fixed addresses.
	// pruneweakmap: a map that only cells use would stay nil in the host.
	// checklinkname: the run-time lets only package plugin use doInit.
	args = []string{"-o", filepath.Join(dir, sessionName), "-importcfg", cfg, "-buildmode=pie", "-checklinkname=0",
		"-pruneweakmap=false", "-s", "-w", "-extld=" + p.tc.CC, out}
	_, err := run(ctx, dir, p.env, filepath.Join(p.tc.Tools, "link"), args...)
	return err
}

func blankImports(name string, paths []string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", name)
	for _, p := range paths {
		fmt.Fprintf(&b, "import _ %q\n", p)
	}
	return []byte(b.String())
}

// compileFlags returns the flags of every compilation that must be compatible with the
// archives.
func compileFlags(pkg string, tc *toolchain) []string {
	v := strings.Split(strings.TrimPrefix(tc.Version, "go"), ".")
	lang := "go" + strings.Join(v[:min(2, len(v))], ".")
	flags := []string{"-p", pkg, "-dynlink", "-nolocalimports", "-lang=" + lang, "-goversion", tc.Version, "-pack"}
	if tc.OS == "linux" { // the same as in listFlags
		flags = append(flags, "-linkshared")
	}
	return flags
}
