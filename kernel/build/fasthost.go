package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// errNoFast reports that fast mode does not support the platform.
var errNoFast = errors.New("is only made for Linux on amd64 and arm64")

// linkFast makes libhost.so and a session program that uses it.
func (p *preparation) linkFast(ctx context.Context, dir string, m *manifest, main listed) error {
	asm, ok := amdAssembly[p.tc.Arch]
	if !ok || p.tc.OS != "linux" {
		return errNoFast
	}
	p.Progress("linking libhost.so")
	tool := func(name string, args ...string) error {
		_, err := run(ctx, dir, p.env, filepath.Join(p.tc.Tools, name), args...)
		return err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	args := []string{"-buildmode=shared", "-bindnow", "-checklinkname=0", "-s", "-w", "-importcfg", in("link.cfg"), "-extld=" + p.tc.CC, "-o", in(libName)}
	for path, f := range m.Package {
		args = append(args, path+"="+f.path(dir))
	}
	if err := tool("link", args...); err != nil {
		return err
	}
	l, err := openLibrary(in(libName))
	if err != nil {
		return err
	}
	if len(l.hash) != abiHashSize {
		return fmt.Errorf("an ABI hash of %d bytes", len(l.hash))
	}
	if err := os.WriteFile(in(indexName), encodeIndex(l), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	var shlib strings.Builder
	for path := range m.Package {
		fmt.Fprintf(&shlib, "packageshlib %s=%s\n", path, in(libName))
	}
	if err := os.WriteFile(in("shlib.cfg"), []byte(shlib.String()), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	files := append(compileFlags("main", p.tc), "-o", in("main.a"), "-importcfg", in("link.cfg"))
	for _, f := range main.GoFiles {
		files = append(files, filepath.Join(main.Dir, f))
	}
	if err := tool("compile", files...); err != nil {
		return err
	}
	if err := tool("link", "-o", in(sessionName), "-importcfg", in("shlib.cfg"), "-buildmode=exe", "-linkshared", "-bindnow", "-checklinkname=0",
		"-s", "-w", "-r", "$ORIGIN", "-extld="+p.tc.CC, in("main.a")); err != nil {
		return err
	}
	if err := p.assembleAMD(tool, in, asm); err != nil {
		return err
	}
	m.Package[amdPath] = folder{File: amdName}
	return nil
}

// assembleAMD makes the package with runtime.addmoduledata.
func (p *preparation) assembleAMD(tool func(string, ...string) error, in func(string) string, asm string) error {
	for name, text := range map[string]string{"nbamd.go": amdSource, "nbamd.s": asm} {
		if err := os.WriteFile(in(name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	if err := tool("compile", append(compileFlags(amdPath, p.tc), "-o", in(amdName), "-importcfg", in("link.cfg"), in("nbamd.go"))...); err != nil {
		return err
	}
	if err := tool("asm", "-dynlink", "-shared", "-p", amdPath, "-o", in("nbamd.o"), in("nbamd.s")); err != nil {
		return err
	}
	return appendMember(in(amdName), in("nbamd.o"))
}

// appendMember adds an object to an archive, as go tool pack does.
func appendMember(archive, object string) error {
	b, err := os.ReadFile(object)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	f, err := os.OpenFile(archive, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	_, err = fmt.Fprintf(f, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", filepath.Base(object), 0, 0, 0, 0o644, len(b), b)
	if err == nil && len(b)%2 == 1 {
		_, err = f.Write([]byte{0})
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}
