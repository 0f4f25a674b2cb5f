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

// classic links cells as ordinary plugins. A cell holds a copy of the library
// code it uses; the dynamic linker binds variables and types to the first copy
// in the process, which is the session program's.
type classic struct{ h *Host }

var _ Builder = (*classic)(nil)

// cellPath is the import path that all cells are compiled as.
const cellPath = "nb"

// classicVersions keeps the compiler's temporaries and the cell's own hash
// local; everything else of the cell is shared with the cells after it.
const classicVersions = "{ local: nb..*; go?link.pkghash*.nb; };\n"

func (c *classic) Cell(ctx context.Context, in Input) (*Object, error) {
	src, err := writeFiles(in.Dir, in.Files)
	if err != nil {
		return nil, err
	}
	return c.build(ctx, in.Dir, in.Path, cellPath, src)
}

// pluginImports tell the linker that the program may load plugins. It keeps the
// initialisers of all maps then, which cells that come later may want.
const pluginImports = "import _ \"plugin\"\nimport _ \"runtime/cgo\"\n"

func (c *classic) Library(ctx context.Context, dir, path string, pkgs []string) (*Object, error) {
	src, err := writeFiles(dir, map[string]string{"all.go": string(blankImports("main", importableOf(pkgs))) + pluginImports + "func main() {}\n"})
	if err != nil {
		return nil, err
	}
	return c.build(ctx, dir, path, path, src)
}

func (c *classic) build(ctx context.Context, dir, path, pkg string, src []string) (*Object, error) {
	cfg, err := c.h.importcfg(dir)
	if err != nil {
		return nil, err
	}
	o := &Object{File: filepath.Join(dir, path+".so")}
	t := time.Now()
	archive := filepath.Join(dir, "c.a")
	if err := c.h.compile(ctx, dir, pkg, archive, cfg, src); err != nil {
		return nil, err
	}
	o.Compile = time.Since(t)
	t = time.Now()
	versions := filepath.Join(dir, "versions")
	if err := os.WriteFile(versions, []byte(classicVersions), 0o644); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	err = c.h.link(ctx, dir, versions, "-o", o.File, "-importcfg", cfg, "-buildmode=plugin", "-pluginpath", path,
		"-checklinkname=0", "-pruneweakmap=false", "-s", "-w", archive)
	o.Link = time.Since(t)
	return o, err
}

// compile compiles files of one package for loading into a session.
func (h *Host) compile(ctx context.Context, dir, pkg, out, cfg string, src []string) error {
	args := append(compileFlags(pkg, &h.m.Go), "-o", out, "-importcfg", cfg, "-c=2", "-trimpath", dir+"=>")
	_, err := run(ctx, dir, h.toolEnv(""), filepath.Join(h.m.Go.Tools, "compile"), append(args, src...)...)
	return err
}

// link runs the Go linker with our program in front of the system's linker, which
// speaks ELF. macOS has the C compiler instead and no version script.
func (h *Host) link(ctx context.Context, dir, versions string, args ...string) error {
	ld := filepath.Join(h.dir, ldName)
	if h.m.Go.OS != "linux" {
		ld = h.m.Go.CC
	}
	args = append([]string{"-extld=" + ld}, args...)
	_, err := run(ctx, dir, h.toolEnv(versions), filepath.Join(h.m.Go.Tools, "link"), args...)
	return err
}

// toolEnv turns the collector off: the tools live for a tenth of a second and
// use tens of megabytes.
func (h *Host) toolEnv(versions string) []string {
	return append(environ(), "GOARCH="+h.m.Go.Arch, "GOGC=off", "GP_LD="+h.m.Go.LD, "GP_VERSIONS="+versions)
}

// importcfg is the file that lists all packages; one of its own for dir where
// packages were added.
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
