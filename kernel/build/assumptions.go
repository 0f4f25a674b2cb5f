package build

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// An assumption is one fact about Go's own source.
type assumption struct{ name, ours, file, says string }

// assumptions lists what fast mode and package rt copy from the tool chain and the
// run-time. Each names the file of GOROOT/src that it is about and the file of ours that
// depends on it. Prepare checks them against the installed Go: if one does not hold,
// cells are built in classic mode, and the reason names it.
var assumptions = []assumption{
	{"object file: magic", "goobj.go", "cmd/internal/goobj/objfile.go", `const Magic = "\\x00go120ld"`},
	{"object file: block 7 is the references", "goobj.go", "cmd/internal/goobj/objfile.go",
		`BlkAutolib = iota\s+BlkPkgIdx\s+BlkFile\s+BlkSymdef\s+BlkHashed64def\s+BlkHasheddef\s+BlkNonpkgdef\s+BlkNonpkgref\s+BlkRefFlags\s`},
	{"object file: size of a symbol", "goobj.go", "cmd/internal/goobj/objfile.go", `const SymSize = stringRefSize \+ 2 \+ 1 \+ 1 \+ 1 \+ 4 \+ 4\s`},
	{"library: hashed type names", "mangle.go", "cmd/link/internal/ld/lib.go",
		`(?s)func typeSymbolMangle\(name string\) string \{\s+isType := strings.HasPrefix\(name, "type:"\).*len\(name\) <= 14 .*hash.Sum32\(\[\]byte\(name\[5:\]\)\).*EncodeToString\(hb\[:6\]\)`},
	{"library: the hash is SHA-256 with its first byte flipped", "mangle.go", "cmd/internal/hash/hash.go", `(?s)func Sum32\(.*sha256.Sum256\(data\)\s+sum\[0\] \^= 0xff`},
	{"library: ABI hash in note 2", "library.go", "cmd/link/internal/ld/elf.go", `ELF_NOTE_GOABIHASH_TAG\s+= 2\s`},
	{"link: probes compile trivial.c", "ld/ld.c", "cmd/link/internal/ld/lib.go", `"trivial.c"`},
	{"link: a module calls runtime.addmoduledata", "fast.go", "cmd/link/internal/ld/ld.go", `LookupOrCreateSym\("runtime.addmoduledata", 0\)`},
	{"registers: the ninth integer is in R11", "toolchain.go, ld", "cmd/compile/internal/ssa/_gen/AMD64Ops.go", `ParamIntRegNames:\s+"AX BX CX DI SI R8 R9 R10 R11"`},
	{"run-time: addmoduledata, amd64", "fast.go", "runtime/asm_amd64.s", `TEXT runtime·addmoduledata\(SB\),NOSPLIT,\$0-0\s+PUSHQ\s+R15`},
	{"run-time: addmoduledata, arm64", "fast.go", "runtime/asm_arm64.s", `TEXT runtime·addmoduledata\(SB\),NOSPLIT,\$0-0`},
	{"run-time: the last module", "rt/quick.go", "runtime/symtab.go", `(?m)^var lastmoduledatap \*moduledata`},
	{"run-time: pointer masks of frames", "rt/stubframe.go", "runtime/stack.go", `func \(r \*stackObjectRecord\) gcdata\(\) \(uintptr, \*byte\) \{`},
	{"run-time: frames of reflect's stubs", "rt/stubframe.go", "runtime/stkframe.go", `gcdataoff: uint32\(uintptr\(unsafe.Pointer\(getGCMask\(abiRegArgsType\)\)\) - mod.rodata\)`},
	{"run-time: registers of a reflected call", "rt/stubframe.go", "internal/abi/abi.go",
		`(?s)type RegArgs struct \{.*Ints\s+\[IntArgRegs\]uintptr.*Floats \[FloatArgRegs\]uint64.*Ptrs \[IntArgRegs\]unsafe.Pointer.*ReturnIsPtr IntArgRegBitmap\s+\}`},
	{"run-time: modulesinit", "rt/lm", "runtime/symtab.go", `(?m)^func modulesinit\(\) \{`},
	{"run-time: itabsinit", "rt/lm", "runtime/iface.go", `(?m)^func itabsinit\(\) \{`},
	{"run-time: getitab", "rt/itab.go", "runtime/iface.go", `//go:linkname getitab\nfunc getitab\(inter \*interfacetype, typ \*_type, canfail bool\) \*itab`},
	{"run-time: typesEqual", "rt/lm", "runtime/type.go", `func typesEqual\(t, v \*_type, seen map\[_typePair\]struct\{\}\) bool`},
	{"run-time: reflect.typelinks", "rt/lm", "runtime/runtime1.go", `//go:linkname reflect_typelinks reflect.typelinks\nfunc reflect_typelinks\(\) \(\[\]unsafe.Pointer, \[\]\[\]int32\)`},
	{"run-time: plugin.lastmoduleinit", "rt/lm", "runtime/plugin.go",
		`//go:linkname plugin_lastmoduleinit plugin.lastmoduleinit\nfunc plugin_lastmoduleinit\(\) \(path string, syms map\[string\]any, initTasks \[\]\*initTask, errstr string\)`},
	{"run-time: doInit", "rt/lm", "runtime/linkname.go", `//go:linkname doInit`},
	{"run-time: the state of a package's initialization", "rt/library.go", "runtime/proc.go", `type initTask struct \{\s+state uint32 .*\s+nfns\s+uint32\s+// followed by nfns pcs`},
	{"run-time: profiling labels", "rt/lm", "runtime/proflabel.go", `//go:linkname runtime_getProfLabel runtime/pprof.runtime_getProfLabel`},
	{"run-time: deadlines of the poller", "rt/blocked.go", "runtime/netpoll.go",
		`//go:linkname poll_runtime_pollSetDeadline internal/poll.runtime_pollSetDeadline\nfunc poll_runtime_pollSetDeadline\(pd \*pollDesc, d int64, mode int\)`},
	{"run-time: the descriptor in a poller's record", "rt/blocked.go", "runtime/netpoll.go", `type pollDesc struct \{\s+_\s+sys\.NotInHeap\s+link\s+\*pollDesc.*\s+fd\s+uintptr`},
	{"run-time: labels in tracebacks", "rt/blocked.go", "runtime/runtime1.go", `"tracebacklabels"`},
}

// check returns an error if the sources of the Go in root contradict the assumption. If
// a Go installation lacks the sources of its tools, the self-test decides instead.
func (a assumption) check(root, version string) error {
	src := filepath.Join(root, "src")
	b, err := os.ReadFile(filepath.Join(src, filepath.FromSlash(a.file)))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(src, "cmd", "link")); err != nil {
			return nil
		}
	}
	if err != nil || !regexp.MustCompile(a.says).Match(b) {
		return fmt.Errorf("%s is not in %s as in the versions of Go that this release was tested with (%s, for %s)", a.name, a.file, version, a.ours)
	}
	return nil
}

// checkAssumptions checks every assumption against the installed Go.
func (tc *toolchain) checkAssumptions() error {
	for _, a := range assumptions {
		if err := a.check(tc.Root, tc.Version); err != nil {
			return err
		}
	}
	if len(typemapTags(tc.Root)) == 0 {
		return fmt.Errorf("run-time: the map of a module's types is not in runtime/symtab.go as in the versions of Go that this release was tested with (%s, for rt/quick.go)", tc.Version)
	}
	return nil
}

// typemapTags returns a build tag for package rt/lm that depends on the run-time's map
// from a module's types to those that the program uses. Its keys are offsets up to Go
// 1.26 and pointers since Go 1.27. If the record of a module differs in any other way,
// there is no tag, and the run-time handles all modules itself.
func typemapTags(root string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "src", "runtime", "symtab.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	var fields []*ast.Field
	ast.Inspect(f, func(n ast.Node) bool {
		if t, ok := n.(*ast.TypeSpec); ok && t.Name.Name == "moduledata" {
			if s, ok := t.Type.(*ast.StructType); ok {
				fields = s.Fields.List
			}
		}
		return fields == nil
	})
	// Package rt finds the map as the word before the link to the next module.
	is := func(f *ast.Field, name, typ string) bool {
		return len(f.Names) == 1 && f.Names[0].Name == name && types.ExprString(f.Type) == typ
	}
	n := len(fields)
	if n < 2 || !is(fields[n-1], "next", "*moduledata") {
		return nil
	}
	switch typemap := fields[n-2]; {
	case is(typemap, "typemap", "map[typeOff]*_type"):
		return []string{"gopherpod_typemap_offsets"}
	case is(typemap, "typemap", "map[*_type]*_type"):
		return []string{"gopherpod_typemap_pointers"}
	}
	return nil
}
