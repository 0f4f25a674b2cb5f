package session

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestVendor imports from a module with vendor/, without network: the copies there are
// used, and nothing else.
func TestVendor(t *testing.T) {
	e2e(t)
	n := newSession(t)
	name := fmt.Sprintf("example.com/t%d", time.Now().UnixNano()) // the module cache has none of them
	package1 := func(p, body string) string { return "package " + p + "\n\n" + body + "\n" }
	write(t, n.o.Dir, map[string]string{
		"go.mod":                                 "module example.test/app\n\ngo 1.24\n\nrequire (\n\t" + name + "/color v1.0.0\n\t" + name + "/color/deep v1.3.0\n)\n\nreplace " + name + "/color/deep => ../nowhere\n",
		"paint/paint.go":                         package1("paint", "import \""+name+"/color\"\n\nfunc Wall() string { return color.Name() + \" wall\" }"),
		"broken/broken.go":                       package1("broken", "import _ \""+name+"/missing\""),
		"vendor/modules.txt":                     "# " + name + "/color v1.0.0\n## explicit; go 1.21\n" + name + "/color\n# " + name + "/color/deep v1.3.0 => ../nowhere\n## explicit; go 1.21\n" + name + "/color/deep\n# " + name + "/color/deep => ../nowhere\n",
		"vendor/" + name + "/color/color.go":     package1("color", "import (\n\t_ \"embed\"\n\n\t\""+name+"/color/deep\"\n)\n\n//go:embed name.txt\nvar text string\n\nfunc Name() string { return deep.Prefix + text }"),
		"vendor/" + name + "/color/name.txt":     "red, changed",
		"vendor/" + name + "/color/deep/deep.go": package1("deep", "const Prefix = \"deep \"\n\nvar Made int\n\nfunc init() { Made++ }"),
	})
	n.ok("%env GOPROXY=off")
	if got := n.ok("import (\n\"example.test/app/paint\"\n\"" + name + "/color\"\n)\npaint.Wall() + \", \" + color.Name()"); !strings.HasSuffix(got, "result:deep red, changed wall, deep red, changed") {
		t.Errorf("got %q", got)
	}
	if got := n.ok("%go list"); !strings.Contains(got, name+"/color       => "+filepath.Join(n.o.Dir, "vendor", name, "color")+"       loaded\n") {
		t.Errorf("list: %q", got)
	}
	// %go get takes what is not in vendor/ from elsewhere, and cells import it beside vendor/.
	url := proxy(t, map[string]map[string]string{
		name + "/missing@v1.0.0":    {"go.mod": "module " + name + "/missing\n\ngo 1.24\n\nrequire " + name + "/color v1.0.0\n", "m.go": package1("missing", "import \""+name+"/color\"\n\nvar Here = \"here, \" + color.Name()")},
		name + "/color@v1.0.0":      {"go.mod": "module " + name + "/color\n\ngo 1.24\n", "c.go": package1("color", "func Name() string { return \"from the proxy\" }")},
		name + "/color@v1.1.0":      {"go.mod": "module " + name + "/color\n\ngo 1.24\n", "c.go": package1("color", "func Name() string { return \"newer\" }")},
		name + "/color/deep@v1.3.0": {"go.mod": "module " + name + "/color/deep\n\ngo 1.24\n", "d.go": package1("deep", "")},
		name + "/second@v1.0.0":     {"go.mod": "module " + name + "/second\n\ngo 1.24\n\nrequire " + name + "/color v1.0.0\n", "s.go": package1("second", "import _ \""+name+"/color\"")},
		name + "/late@v1.0.0":       {"go.mod": "module " + name + "/late\n\ngo 1.24\n", "l.go": package1("late", "const Here = \"late\"")},
	})
	n.ok("%env GOPROXY=" + url)
	n.ok("%env GONOSUMDB=*")
	n.run("import \""+name+"/missing\"").failed(t, "CompileError", "cannot import \""+name+"/missing\": it is not in "+filepath.Join(n.o.Dir, "vendor"), "%go get "+name+"/missing fetches it", "%goflags -mod=mod builds without vendor/") // no network is used without %go get
	n.ok("%go get " + name + "/missing")
	if got := n.ok("import \"" + name + "/missing\"\nmissing.Here"); !strings.HasSuffix(got, "result:here, deep red, changed") {
		t.Errorf("beside vendor/: %q", got)
	}
	// An edit in vendor/ counts like one in the module.
	write(t, n.o.Dir, map[string]string{"vendor/" + name + "/color/name.txt": "red, changed again"})
	if got := n.ok("paint.Wall()"); !strings.HasSuffix(got, "result:deep red, changed again wall") || !strings.Contains(got, name+"/color changed and was compiled again") {
		t.Errorf("after an edit: %q", got)
	}
	// What is not on the disk cannot follow such an edit.
	n.run("import \""+name+"/second\"").failed(t, "CompileError", "is not in")
	n.ok("%go get " + name + "/second")
	n.run("import \""+name+"/second\"").failed(t, "CompileError", "package "+name+"/color, which "+name+"/second imports, has changed since the session loaded it: a restart")
	// The process still has one copy of a package that did not change.
	if got := n.ok("import \"" + name + "/color/deep\"\ndeep.Made"); got != "result:1" {
		t.Errorf("got %q", got)
	}
	n.run("import \""+name+"/color/other\"").failed(t, "CompileError", "cannot import \""+name+"/color/other\": it is not in ")
	n.run("import \"example.test/app/broken\"").failed(t, "CompileError", "broken.go:3:8: package "+name+"/missing is not in ", "!go mod vendor adds it")

	n.run("%go get "+name+"/color@v1.0.0").failed(t, "UsageError", name+"/color of "+filepath.Join(n.o.Dir, "vendor")+" is loaded, and a session cannot load v1.0.0 beside it", "%go get --restart")
	n.ok("%go get --restart " + name + "/color@v1.0.0")
	if got := n.ok("import \"example.test/app/paint\"\npaint.Wall()"); !strings.HasSuffix(got, "result:from the proxy wall") {
		t.Errorf("after %%go get: %q", got)
	}

	// vendor/ and go.mod that do not agree are an error, in the go command's words.
	b, err := os.ReadFile(filepath.Join(n.o.Dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, n.o.Dir, map[string]string{"go.mod": strings.Replace(string(b), "/color v1.0.0", "/color v1.1.0", 1)})
	n.run("import \""+name+"/late\"").failed(t, "CompileError", "inconsistent vendoring in "+n.o.Dir+": "+name+"/color@v1.1.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt (and 1 more); !go mod vendor")
	if got := n.ok("%goflags -mod=mod\n!echo $GOFLAGS"); got != "stdout:-mod=mod\n" {
		t.Errorf("got %q", got)
	}
	write(t, n.o.Dir, map[string]string{"go.mod": strings.Split(string(b), "\nreplace")[0]})
	if got := n.ok("import \"" + name + "/late\"\nlate.Here"); !strings.HasSuffix(got, "result:late") {
		t.Errorf("without vendor/: %q", got)
	}
}

// TestVendorOfWorkspaces tests the vendor/ of a go.work, and that of a module of a Go that
// used vendor/ only if it was told to.
func TestVendorOfWorkspaces(t *testing.T) {
	e2e(t)
	name := fmt.Sprintf("example.com/t%d", time.Now().UnixNano())
	n := newSession(t)
	write(t, n.o.Dir, map[string]string{
		"go.work":                            "go 1.24\n\nuse ./app\n",
		"app/go.mod":                         "module example.test/app\n\ngo 1.24\n\nrequire " + name + "/color v1.0.0\n",
		"app/a.go":                           "package app\n\nimport \"" + name + "/color\"\n\nconst C = color.Name\n",
		"app/vendor/modules.txt":             "# " + name + "/color v1.0.0\n## explicit; go 1.21\n" + name + "/color\n",
		"app/vendor/" + name + "/color/c.go": "package color\n\nconst Name = \"of the module\"\n",
		"vendor/modules.txt":                 "## workspace\n# " + name + "/color v1.0.0\n## explicit; go 1.21\n" + name + "/color\n",
		"vendor/" + name + "/color/c.go":     "package color\n\nconst Name = \"of the workspace\"\n",
		"old/go.mod":                         "module example.test/old\n\ngo 1.13\n\nrequire " + name + "/paper v1.0.0\n",
		"old/vendor/modules.txt":             "# " + name + "/paper v1.0.0\n## explicit\n" + name + "/paper\n",
		"old/vendor/" + name + "/paper/p.go": "package paper\n\nconst Kind = \"vendored\"\n",
	})
	n.ok("%env GOPROXY=off")
	if got := n.ok("import \"example.test/app\"\napp.C"); !strings.HasSuffix(got, "result:of the workspace") {
		t.Errorf("got %q", got)
	}
	n.run("import \""+name+"/missing\"").failed(t, "CompileError", "cannot import \""+name+"/missing\": it is not in "+filepath.Join(n.o.Dir, "vendor"))
	if err := os.Remove(filepath.Join(n.o.Dir, "go.work")); err != nil {
		t.Fatal(err)
	}
	n.ok("%cd old")
	n.run("import \""+name+"/paper\"").failed(t, "CompileError", "GOPROXY=off")
	n.ok("%goflags -mod=vendor")
	if got := n.ok("import \"" + name + "/paper\"\npaper.Kind"); !strings.HasSuffix(got, "result:vendored") {
		t.Errorf("got %q", got)
	}
	if got := n.ok("%goflags -mod=mod"); got != "stderr:loaded from vendor/, and used until the kernel restarts: "+name+"/color, "+name+"/paper\n" {
		t.Errorf("got %q", got)
	}

	// The session program holds gonum already: its own copy is used, and that is said.
	held := regexp.MustCompile(`gonum.org/v1/gonum +(v\S+)`).FindStringSubmatch(n.ok("%go list -m all"))
	if held == nil {
		t.Fatal("no gonum")
	}
	write(t, n.o.Dir, map[string]string{
		"both/go.mod":                                "module example.test/both\n\ngo 1.24\n\nrequire (\n\tgonum.org/v1/gonum " + held[1] + "\n\t" + name + "/ink v1.0.0\n)\n",
		"both/vendor/modules.txt":                    "# gonum.org/v1/gonum " + held[1] + "\n## explicit; go 1.14\ngonum.org/v1/gonum/mat\n# " + name + "/ink v1.0.0\n## explicit\n" + name + "/ink\n",
		"both/vendor/gonum.org/v1/gonum/mat/mine.go": "package mat\n",
		"both/vendor/" + name + "/ink/ink.go":        "package ink\n\nconst Kind = \"ink\"\n",
	})
	n.ok("%goflags -tags=\n%cd ../both")
	if got := n.ok("import \"" + name + "/ink\"\nink.Kind"); !strings.Contains(got, filepath.Join(n.o.Dir, "both/vendor/gonum.org/v1/gonum")+" differs from gonum.org/v1/gonum "+held[1]+", which is used, because it is part of the session program\n") || !strings.HasSuffix(got, "result:ink") {
		t.Errorf("got %q", got)
	}
}
