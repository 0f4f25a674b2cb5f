package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cellPath is the import path that all cells are compiled as.
const cellPath = "nb"

// A linkage holds what differs between the two ways to build.
type linkage struct {
	versions string // version script of the shared object
	far      bool   // the data lies far behind the code, as an arena of package rt requires
	// libs are the folders of the C compiler's libraries, separated by colons, if C
	// code is linked that may need them, else empty.
	libs string
	// args returns the linker's arguments that say where packages are, for an archive
	// in dir that was compiled with the importcfg cfg.
	args func(dir, archive, cfg string) ([]string, error)
}

// cell builds a cell.
func (h *Host) cell(ctx context.Context, in Input, l linkage) (*Object, error) {
	src, err := writeFiles(in.Dir, in.Files)
	if err != nil {
		return nil, err
	}
	if len(in.Embeds) > 0 {
		cfg, err := embedcfg(in)
		if err != nil {
			return nil, err
		}
		src = append([]string{"-embedcfg=" + cfg}, src...) // flags come first
	}
	return h.object(ctx, in.Dir, in.Path, cellPath, src, l)
}

// pluginImports tells the linker that the program may load plugins. The linker then
// keeps the initialisers of all maps, which later cells may need.
const pluginImports = "import _ \"plugin\"\nimport _ \"runtime/cgo\"\n"

// bundle builds a shared object of packages. Its source begins with the imports in
// first, because the linker places packages in the order of imports, and its function
// main is main.
func (h *Host) bundle(ctx context.Context, dir, path string, pkgs []string, first, main string, l linkage) (*Object, error) {
	imports := strings.Replace(string(blankImports("main", importableOf(pkgs))), "package main\n", "package main\n"+first, 1)
	src, err := writeFiles(dir, map[string]string{"all.go": imports + pluginImports + main})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(pkgs, func(p string) bool { f, _ := h.find(p); return f.Cgo }) {
		if l.libs, err = h.libraryDirs(ctx, dir); err != nil {
			return nil, err
		}
	}
	return h.object(ctx, dir, path, path, src, l)
}

// libraryDirs returns the folders in which the C compiler looks for libraries.
func (h *Host) libraryDirs(ctx context.Context, dir string) (string, error) {
	out, err := run(ctx, dir, environ(), h.m.Go.CC, "-print-search-dirs")
	if err != nil {
		return "", err
	}
	for l := range strings.Lines(string(out)) {
		if dirs, ok := strings.CutPrefix(l, "libraries:"); ok {
			return strings.TrimLeft(strings.TrimSpace(dirs), "="), nil
		}
	}
	return "/usr/lib", nil
}

// object compiles files as package pkg and links them.
func (h *Host) object(ctx context.Context, dir, path, pkg string, src []string, l linkage) (*Object, error) {
	cfg, err := h.importcfg(dir)
	if err != nil {
		return nil, err
	}
	o := &Object{File: filepath.Join(dir, path+".so")}
	t := time.Now()
	archive := filepath.Join(dir, "c.a")
	if err := h.compile(ctx, dir, pkg, archive, cfg, src); err != nil {
		return nil, err
	}
	o.Compile = time.Since(t)
	t = time.Now()
	versions := filepath.Join(dir, "versions")
	if err := os.WriteFile(versions, []byte(l.versions), 0o644); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	for {
		args, err := l.args(dir, archive, cfg)
		if err != nil {
			return nil, err
		}
		args = append([]string{"-o", o.File, "-buildmode=plugin", "-pluginpath", path, "-checklinkname=0", "-pruneweakmap=false", "-s", "-w"}, args...)
		err = h.link(ctx, dir, versions, l, append(args, archive)...)
		if err != nil && h.wholeAfter(err) {
			continue
		}
		if err != nil && l.far && ctx.Err() == nil { // the code may be larger than the distance to the data
			l.far = false
			continue
		}
		o.Link = time.Since(t)
		return o, err
	}
}

// compile compiles files of one package for loading into a session.
func (h *Host) compile(ctx context.Context, dir, pkg, out, cfg string, src []string) error {
	args := append(compileFlags(pkg, &h.m.Go), "-o", out, "-importcfg", cfg, "-c=2", "-trimpath", dir+"=>")
	_, err := run(ctx, dir, h.toolEnv(""), filepath.Join(h.m.Go.Tools, "compile"), append(args, src...)...)
	return err
}

// link runs the Go linker, which calls our program in place of the system's linker, for
// ELF. On macOS it calls the C compiler, without a version script.
func (h *Host) link(ctx context.Context, dir, versions string, l linkage, args ...string) error {
	ld := filepath.Join(h.dir, ldName)
	if h.m.Go.OS != "linux" {
		ld = h.m.Go.CC
	}
	args = append([]string{"-extld=" + ld}, args...)
	env := append(h.toolEnv(versions), "GP_LIBS="+l.libs)
	if l.far {
		env = append(env, "GP_FAR=1")
	}
	_, err := run(ctx, dir, env, filepath.Join(h.m.Go.Tools, "link"), args...)
	return err
}

// toolEnv returns the environment of the tools. It turns their garbage collector off,
// because they run for a tenth of a second and use tens of megabytes.
func (h *Host) toolEnv(versions string) []string {
	return append(append(environ(), h.temp()...), "GOARCH="+h.m.Go.Arch, "GOGC=off", "GP_LD="+h.m.Go.LD, "GP_VERSIONS="+versions)
}

// importcfg returns the path of a file that lists all packages. If packages were added
// to the host, it writes one in dir.
func (h *Host) importcfg(dir string) (string, error) {
	h.mu.Lock()
	n := len(h.extra)
	h.mu.Unlock()
	if n == 0 {
		return filepath.Join(h.dir, cfgName), nil
	}
	f := filepath.Join(dir, cfgName)
	if err := os.WriteFile(f, importcfg(h.dir, h.packages()), 0o644); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	return f, nil
}

func writeFiles(dir string, files map[string]string) (paths []string, err error) {
	for name, text := range files {
		if name != filepath.Base(name) || !strings.HasSuffix(name, ".go") {
			return nil, fmt.Errorf("build: %q is not the name of a Go file", name)
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths, nil
}
