package build

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// assumptions are what fast mode and package rt copy from the tool chain and the
// run-time, each with the file of GOROOT/src that says so. When a new version of
// Go breaks one, the test that fails has its name, and the place in our code is
// the file that it names.
var assumptions = []struct{ name, ours, file, says string }{
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
	{"run-time: a module's type map lies before its link", "rt/quick.go", "runtime/symtab.go", `typemap map\[typeOff\]\*_type .*\s+next \*moduledata\s+\}`},
	{"run-time: rodata is word 39 of a module", "rt/stubframe.go", "runtime/symtab.go",
		`pcHeader\s+\*pcHeader\s+funcnametab\s+\[\]byte\s+cutab\s+\[\]uint32\s+filetab\s+\[\]byte\s+pctab\s+\[\]byte\s+pclntable\s+\[\]byte\s+ftab\s+\[\]functab\s+findfunctab\s+uintptr\s+minpc, maxpc uintptr\s+` +
			`text, etext\s+uintptr\s+noptrdata, enoptrdata uintptr\s+data, edata\s+uintptr\s+bss, ebss\s+uintptr\s+noptrbss, enoptrbss\s+uintptr\s+covctrs, ecovctrs\s+uintptr\s+end, gcdata, gcbss\s+uintptr\s+types, etypes\s+uintptr\s+rodata\s+uintptr`},
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
	{"run-time: profiling labels", "rt/lm", "runtime/proflabel.go", `//go:linkname runtime_getProfLabel runtime/pprof.runtime_getProfLabel`},
	{"run-time: deadlines of the poller", "rt/blocked.go", "runtime/netpoll.go",
		`//go:linkname poll_runtime_pollSetDeadline internal/poll.runtime_pollSetDeadline\nfunc poll_runtime_pollSetDeadline\(pd \*pollDesc, d int64, mode int\)`},
	{"run-time: labels in tracebacks", "rt/blocked.go", "runtime/runtime1.go", `"tracebacklabels"`},
}

func TestAssumptions(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(strings.TrimSpace(string(out)), "src")
	for _, a := range assumptions {
		t.Run(a.name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(src, filepath.FromSlash(a.file)))
			if os.IsNotExist(err) {
				if _, err := os.Stat(filepath.Join(src, "cmd", "link")); err != nil {
					t.Skip("this Go has no sources of its tools")
				}
			}
			if err != nil || !regexp.MustCompile(a.says).Match(b) {
				t.Errorf("%s of %s does not say %s any more (%v): see %s", a.file, runtime.Version(), a.says, err, a.ours)
			}
		})
	}
	t.Run("layout of types and itabs", func(t *testing.T) { testLayout(t, src) })
	t.Run("flags of compile and link", testFlags)
	for arch := range amdAssembly {
		t.Run("assembly for "+arch, func(t *testing.T) { testAssembly(t, arch) })
	}
}

// testLayout computes the offsets that library.go, quick.go and itab.go count on
// from internal/abi.
func testLayout(t *testing.T, src string) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range []string{"type.go", "iface.go"} {
		f, err := parser.ParseFile(fset, filepath.Join(src, "internal", "abi", name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Skip(err)
		}
		files = append(files, f)
	}
	// What other files declare is not needed for the layout.
	conf := types.Config{Importer: importer.ForCompiler(fset, "source", nil), Error: func(error) {}}
	pkg, _ := conf.Check("internal/abi", fset, files, nil)
	for _, arch := range []string{"amd64", "arm64"} {
		sizes := types.SizesFor("gc", arch)
		offsets := func(name string) map[string]int64 {
			s := pkg.Scope().Lookup(name).Type().Underlying().(*types.Struct)
			var fields []*types.Var
			for f := range s.Fields() {
				fields = append(fields, f)
			}
			out := map[string]int64{"size": sizes.Sizeof(s)}
			for i, o := range sizes.Offsetsof(fields) {
				out[fields[i].Name()] = o
			}
			return out
		}
		typ, itab := offsets("Type"), offsets("ITab")
		for _, c := range []struct {
			what      string
			got, want int64
		}{
			{"size of abi.Type", typ["size"], typeHeader},
			{"abi.Type.PtrBytes", typ["PtrBytes"], ptrBytesOffset},
			{"abi.Type.GCData", typ["GCData"], gcdataOffset},
			{"abi.Type.Hash", typ["Hash"], 16},
			{"abi.ITab.Inter", itab["Inter"], 0},
			{"abi.ITab.Type", itab["Type"], 8},
			{"abi.ITab.Hash", itab["Hash"], 16},
		} {
			if c.got != c.want {
				t.Errorf("%s: %s at %d, want %d", arch, c.what, c.got, c.want)
			}
		}
	}
}

// testFlags asks the tools for the flags that are passed to them.
func testFlags(t *testing.T) {
	for tool, flags := range map[string][]string{
		"compile": {"p", "dynlink", "linkshared", "nolocalimports", "lang", "goversion", "pack", "importcfg", "trimpath", "c"},
		"link":    {"buildmode", "pluginpath", "linkshared", "checklinkname", "pruneweakmap", "bindnow", "importcfg", "extld", "s", "w", "r"},
		"asm":     {"dynlink", "shared", "p", "o"},
	} {
		out, _ := exec.Command("go", "tool", tool, "-h").CombinedOutput()
		known := regexp.MustCompile(`(?m)^\s+-(\w+)`).FindAllStringSubmatch(string(out), -1)
		if len(known) < 10 {
			t.Skipf("go tool %s -h: %.200s", tool, out)
		}
		for _, f := range flags {
			if !slices.ContainsFunc(known, func(m []string) bool { return m[1] == f }) {
				t.Errorf("%s has no flag -%s any more", tool, f)
			}
		}
	}
}

// testAssembly assembles runtime.addmoduledata as linkFast does.
func testAssembly(t *testing.T, arch string) {
	in := filepath.Join(t.TempDir(), "nbamd.s")
	if err := os.WriteFile(in, []byte(amdAssembly[arch]), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "tool", "asm", "-dynlink", "-shared", "-p", amdPath, "-o", in+".o", in)
	cmd.Env = append(os.Environ(), "GOARCH="+arch, "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
