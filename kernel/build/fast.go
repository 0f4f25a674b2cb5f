package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fast links cells against libhost.so, the shared library that the session
// program itself uses. A cell holds only its own code, and the linker reads only
// a stub with the symbols that the cell refers to.
type fast struct{ h *Host }

var _ Builder = (*fast)(nil)

const (
	libName   = "libhost.so"
	indexName = "libhost.index"
	amdPath   = "nbamd" // import path of the package with runtime.addmoduledata
	amdName   = "nbamd.a"
	stubsName = "shlib.cfg" // the importcfg of a link, with stubMark for the stub's path
	stubMark  = "\x00"
)

// fastVersions keeps local: the compiler's temporaries, the copy of
// addmoduledata, and the fingerprints of packages. Fingerprints of packages in a
// shared library are zero, which the run-time would take for another version.
const fastVersions = "{ local: nb..*; nbamd.*; go?link.pkghash*; };\n"

func (b *fast) Cell(ctx context.Context, in Input) (*Object, error) {
	l := b.linkage()
	l.far = true
	return b.h.cell(ctx, in, l)
}

// libraryMain keeps what the module's initialiser needs. The package of amdSource
// must come first.
const (
	libraryImports = "import nbamd__ \"nbamd\"\nimport nbrt__ \"" + runtimePath + "\"\n"
	libraryMain    = "func main() { nbrt__.Keep(&nbrt__.AddModuleData, nbamd__.F) }\n"
)

// Library links the packages like a cell: their symbols, too, are bound to the first
// copy in the process.
func (b *fast) Library(ctx context.Context, dir, path string, pkgs []string) (*Object, error) {
	return b.h.bundle(ctx, dir, path, pkgs, libraryImports, libraryMain, b.linkage())
}

func (b *fast) linkage() linkage {
	return linkage{versions: fastVersions, args: func(dir, archive, _ string) ([]string, error) {
		cfg, err := b.stub(dir, archive)
		return []string{"-importcfg", cfg, "-linkshared"}, err
	}}
}

// stub writes the stub of libhost.so for one archive and the importcfg that
// names it for all packages of the host.
func (b *fast) stub(dir, archive string) (linkcfg string, err error) {
	l, err := b.h.library()
	if err != nil {
		return "", err
	}
	// Added packages are linked in from their archives.
	extra := b.h.added()
	names := slices.Clone(l.always)
	text := l.linkcfg
	whole := packages{}
	for queue := append([]string{archive}, extra.files(b.h.dir)...); len(queue) > 0; queue = queue[1:] {
		object, err := os.ReadFile(queue[0])
		if err != nil {
			return "", fmt.Errorf("build: %w", err)
		}
		refs, err := undefined(object)
		if err != nil {
			return "", fmt.Errorf("%s: %w", queue[0], err)
		}
		names = append(names, refs...)
		for _, p := range b.h.wholeFor(refs) {
			if _, twice := whole[p]; !twice {
				whole[p] = b.h.m.Package[p]
				queue = append(queue, whole[p].path(b.h.dir))
				text = strings.Replace(text, "packageshlib "+p+"="+stubMark+"\n", "", 1)
			}
		}
	}
	file := filepath.Join(dir, libName)
	if err := os.WriteFile(file, stub(l.library, names), 0o644); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	text = strings.ReplaceAll(text, stubMark, file) + string(importcfg(b.h.dir, extra)) + string(importcfg(b.h.dir, whole))
	linkcfg = filepath.Join(dir, "link.cfg")
	if err := os.WriteFile(linkcfg, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	return linkcfg, nil
}

// fastLibrary is the index of libhost.so with what every link needs.
type fastLibrary struct {
	*library
	always  []string // what nbamd refers to
	linkcfg string   // importcfg with stubMark
}

func openFast(dir string, pkgs map[string]folder) (*fastLibrary, error) {
	x, err := mapIndex(filepath.Join(dir, indexName))
	if err != nil {
		return nil, err
	}
	l := &library{name: libName, machine: x.machine, hash: x.hash, table: x}
	amd, err := os.ReadFile(filepath.Join(dir, amdName))
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	f := &fastLibrary{library: l}
	if f.always, err = undefined(amd); err != nil {
		return nil, err
	}
	var b strings.Builder
	for p := range pkgs {
		if p != amdPath {
			fmt.Fprintf(&b, "packageshlib %s=%s\n", p, stubMark)
		}
	}
	fmt.Fprintf(&b, "packagefile %s=%s\n", amdPath, filepath.Join(dir, amdName))
	f.linkcfg = b.String()
	return f, nil
}

// amdSource is the package that comes first in every cell. Its function F takes
// name offset 0, which the run-time shows as an empty name.
const amdSource = "package nbamd\n\n//go:noinline\nfunc F() {}\n"

// amdAssembly is runtime.addmoduledata, which the initialiser of a module calls.
// The linker treats it as a part of the plugin. It only jumps to the real one in
// libhost.so, at the address that package rt found.
var amdAssembly = map[string]string{
	"amd64": `
TEXT runtime·addmoduledata(SB), 4|512, $0-0 // NOSPLIT|NOFRAME
	PUSHQ R15 // the load below goes through it
	MOVQ gopherpod·addmoduledata(SB), AX
	POPQ R15
	JMP AX
`,
	"arm64": `
TEXT runtime·addmoduledata(SB), 4|512, $0-0 // NOSPLIT|NOFRAME
	MOVD gopherpod·addmoduledata(SB), R16
	JMP (R16)
`,
}
