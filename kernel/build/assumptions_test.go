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

// TestAssumptions checks what Prepare checks and what only a test can check.
func TestAssumptions(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(out))
	src := filepath.Join(root, "src")
	for _, a := range assumptions {
		t.Run(a.name, func(t *testing.T) {
			if err := a.check(root, runtime.Version()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("the map of a module's types", func(t *testing.T) {
		if tags := typemapTags(root); len(tags) != 1 {
			t.Errorf("moduledata in runtime/symtab.go of %s gives the tags %q: see assumptions.go", runtime.Version(), tags)
		}
	})
	t.Run("layout of types and itabs", func(t *testing.T) { testLayout(t, src) })
	t.Run("flags of compile and link", testFlags)
	for arch := range amdAssembly {
		t.Run("assembly for "+arch, func(t *testing.T) { testAssembly(t, arch) })
	}
}

// testLayout computes from internal/abi the offsets that library.go, quick.go and
// itab.go rely on.
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
	// The layout does not need declarations in other files.
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

// testFlags checks that the tools have the flags that we pass to them.
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
