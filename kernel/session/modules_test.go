package session

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// proxy makes a file-based module proxy; mods maps module@version to its files.
func proxy(t *testing.T, mods map[string]map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for mv, files := range mods {
		path, version, _ := strings.Cut(mv, "@")
		v := filepath.Join(dir, path, "@v")
		if err := os.MkdirAll(v, 0o755); err != nil {
			t.Fatal(err)
		}
		list, _ := os.OpenFile(filepath.Join(v, "list"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		fmt.Fprintln(list, version)
		list.Close()
		write(t, v, map[string]string{version + ".info": fmt.Sprintf("{\"Version\":%q,\"Time\":\"2024-01-01T00:00:00Z\"}", version), version + ".mod": files["go.mod"]})
		f, err := os.Create(filepath.Join(v, version+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		for name, text := range files {
			w, err := z.Create(mv + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write([]byte(text))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return "file://" + filepath.ToSlash(dir)
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		f := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestModules fetches modules from a proxy, some with conflicting versions.
func TestModules(t *testing.T) {
	e2e(t)
	n := newSession(t)
	name := fmt.Sprintf("example.com/t%d", time.Now().UnixNano()) // the module cache remembers
	color := func(v, text string) map[string]string {
		return map[string]string{"go.mod": "module " + name + "/color\n\ngo 1.24\n", "color.go": "package color\n\n// Name is a colour.\nfunc Name() string { return \"" + text + "\" }\n" + v}
	}
	url := proxy(t, map[string]map[string]string{
		name + "/color@v1.0.0":   color("", "red"),
		name + "/color@v1.1.0":   color("", "blue"),
		name + "/mixer@v1.0.0":   {"go.mod": "module " + name + "/mixer\n\ngo 1.24\n\nrequire " + name + "/color v1.2.0\n", "m.go": "package mixer\n\nimport \"" + name + "/color\"\n\nvar Mixed = color.Mix()\n"},
		name + "/future@v1.0.0":  {"go.mod": "module " + name + "/future\n\ngo 1.99\n", "f.go": "package future\n"},
		name + "/color@v1.2.0":   color("\nfunc Mix() string { return \"green\" }\n", "blue"),
		name + "/palette@v1.0.0": {"go.mod": "module " + name + "/palette\n\ngo 1.24\n\nrequire " + name + "/color v1.1.0\n", "p.go": "package palette\n\nimport \"" + name + "/color\"\n\nfunc Two() string { return color.Name() + color.Name() }\n"},
	})
	n.ok("%env GOPROXY=" + url)
	n.ok("%env GONOSUMDB=*")
	if got := n.ok("%go get " + name + "/color@v1.0.0"); !strings.Contains(got, "color v1.0.0") {
		t.Errorf("get: %q", got)
	}
	if got := n.ok("import \"" + name + "/color\"\ncolor.Name()"); !strings.HasSuffix(got, "result:red") {
		t.Errorf("got %q", got)
	}
	n.ok("keep := 7")
	// A module that requires a newer version of a loaded module gets the loaded one.
	if got := n.ok("import \"" + name + "/palette\"\npalette.Two()"); !strings.HasSuffix(got, "result:redred") {
		t.Errorf("got %q", got)
	}
	if got := n.ok("%go list"); got != fmt.Sprintf("stdout:%s/color    v1.0.0  loaded\n%[1]s/palette  v1.0.0  loaded\n", name) {
		t.Errorf("list: %q", got)
	}
	n.run("%go get "+name+"/color@v1.1.0").failed(t, "UsageError", "color v1.0.0 is loaded", "lost would be keep", "%go get --restart "+name+"/color@v1.1.0")
	if got := n.ok("color.Name() + fmt.Sprint(keep)"); got != "result:red7" {
		t.Errorf("after a refusal: %q", got)
	}
	// If the module does not compile with the loaded version, the error says what to do and what
	// would be lost.
	n.run("import \""+name+"/mixer\"\nmixer.Mixed").failed(t, "CompileError", "it wants "+name+"/color v1.2.0 and does not compile with v1.0.0, which is loaded", "undefined: color.Mix",
		"lost would be keep", "%go get --restart "+name+"/mixer")
	n.ok("%go get --restart " + name + "/mixer")
	if got := n.ok("import \"" + name + "/mixer\"\nmixer.Mixed"); !strings.HasSuffix(got, "result:green") {
		t.Errorf("after the restart: %q", got)
	}
	n.ok("%go get --restart " + name + "/color@v1.1.0 " + name + "/mixer@none")
	n.run("keep").failed(t, "CompileError", "undefined: keep")
	if got := n.ok("import \"" + name + "/palette\"\npalette.Two()"); !strings.HasSuffix(got, "result:blueblue") {
		t.Errorf("after the restart: %q", got)
	}
	n.run("%go get "+name+"/color@v9.9.9").failed(t, "Error", "v9.9.9")
	n.run("import \""+name+"/nothing\"").failed(t, "CompileError", name+"/nothing")
	n.run("import \"nosuchpackage\"").failed(t, "CompileError", "standard library")
	n.run("import \""+name+"/future\"").failed(t, "CompileError", name+"/future v1.0.0 needs Go 1.99", "%go get "+name+"/future@VERSION")
	n.ok("%env GOPROXY=http://127.0.0.1:9")
	n.run("import \""+name+"/other\"").failed(t, "CompileError", "the module proxy cannot be reached")
	if got := n.ok("%go version"); !strings.Contains(got, "go version go1") {
		t.Errorf("got %q", got)
	}
}

// TestLocalModules imports from the module and the workspace that the notebook
// is in, and edits it.
func TestLocalModules(t *testing.T) {
	e2e(t)
	n := newSession(t)
	dir := n.o.Dir
	calc := func(body string) map[string]string {
		return map[string]string{"app/calc/calc.go": "package calc\n\nimport \"example.test/app/internal/unit\"\n\ntype Size struct{ W int }\n\nfunc Area() string { return unit.Of(" + body + ") }\n"}
	}
	write(t, dir, map[string]string{
		"go.work":                "go 1.24\n\nuse (\n\t./app\n\t./tool\n)\n",
		"app/go.mod":             "module example.test/app\n\ngo 1.24\n\nrequire example.test/third v1.0.0\n\nreplace example.test/third => ../third\n",
		"app/internal/unit/u.go": "package unit\n\nimport (\n\t\"fmt\"\n\n\t\"example.test/third\"\n)\n\nfunc Of(n int) string { return fmt.Sprint(n, third.Unit) }\n",
		"app/calc/calc_test.go":  "package calc\n",
		"tool/go.mod":            "module example.test/tool\n\ngo 1.24\n",
		"tool/tool.go":           "package tool\n\nconst Name = \"hammer\"\n",
		"third/go.mod":           "module example.test/third\n\ngo 1.24\n",
		"third/third.go":         "package third\n\nconst Unit = \"m\"\n",
	})
	write(t, dir, calc("3"))
	if got := n.ok("import (\n\"example.test/app/calc\"\n\"example.test/app/internal/unit\"\n\"example.test/tool\"\n)\ncalc.Area() + unit.Of(1) + tool.Name"); !strings.HasSuffix(got, "result:3m1mhammer") {
		t.Errorf("got %q", got)
	}
	n.ok("size := calc.Size{2}\nfunc area() string { return calc.Area() + \"!\" }")
	if got := n.ok("area()"); got != "result:3m!" {
		t.Errorf("got %q", got)
	}
	for i := range 3 {
		write(t, dir, calc(fmt.Sprint(40+i)))
		want := fmt.Sprintf("result:%dm", 40+i)
		if got := n.ok("calc.Area()"); !strings.HasSuffix(got, want) || !strings.Contains(got, "example.test/app/calc changed and was compiled again") {
			t.Errorf("edit %d: got %q", i, got)
		}
		if got := n.ok("area()"); got != want+"!" {
			t.Errorf("edit %d: a function of an earlier cell: %q", i, got)
		}
	}
	if got := n.ok("size.W"); got != "result:2" {
		t.Errorf("a value made before: %q", got)
	}
	write(t, dir, calc("undefined"))
	if got := n.ok("calc.Area()"); !strings.Contains(got, "does not compile") || !strings.Contains(got, "undefined: undefined") || !strings.HasSuffix(got, "result:42m") {
		t.Errorf("broken: %q", got)
	}
	if got := n.ok("calc.Area()"); got != "result:42m" {
		t.Errorf("broken, again: %q", got)
	}
	write(t, dir, calc("50"))
	if got := n.ok("area()"); !strings.HasSuffix(got, "result:50m!") {
		t.Errorf("mended: %q", got)
	}
	if got := n.ok("%go list"); !strings.Contains(got, "example.test/app   => "+dir+"/app   loaded\n") {
		t.Errorf("list: %q", got)
	}
}

// TestVersions checks which version of a module an import selects: the newest, that in
// the user's own go.mod, or, with a message, the one in the session.
func TestVersions(t *testing.T) {
	e2e(t)
	n := newSession(t)
	name := fmt.Sprintf("example.com/t%d", time.Now().UnixNano())
	mod := func(path, requires, body string) map[string]string {
		base := path[strings.LastIndexByte(path, '/')+1:]
		return map[string]string{"go.mod": "module " + path + "\n\ngo 1.24\n" + requires, "m.go": "package " + base + "\n\n" + body + "\n"}
	}
	version := func(path, v string) map[string]string { return mod(path, "", "const Version = \""+v+"\"") }
	url := proxy(t, map[string]map[string]string{
		name + "/top@v1.0.0":    mod(name+"/top", "\nrequire "+name+"/base v1.0.0\n", "const Version = \"top\""),
		name + "/base@v1.0.0":   version(name+"/base", "old"),
		name + "/base@v1.4.0":   version(name+"/base", "new"),
		name + "/chosen@v1.0.0": version(name+"/chosen", "1.0"),
		name + "/chosen@v1.1.0": version(name+"/chosen", "1.1"),
		name + "/chosen@v1.2.0": version(name+"/chosen", "1.2"),
	})
	n.ok("%env GOPROXY=" + url)
	n.ok("%env GONOSUMDB=*")
	n.ok("import \"" + name + "/top\"\ntop.Version")
	if got := n.ok("import \"" + name + "/base\"\nbase.Version"); !strings.HasSuffix(got, "result:new") {
		t.Errorf("a module that another one asks for in an old version: %q", got)
	}
	if got := n.ok("%go list -m all"); strings.Contains(got, "honnef.co/go/tools") || !strings.Contains(got, "gonum.org/v1/gonum") {
		t.Errorf("want the modules that the host holds, got %q", got)
	}
	write(t, n.o.Dir, map[string]string{"go.mod": "module example.test/mine\n\ngo 1.24\n\nrequire " + name + "/chosen v1.1.0\n"})
	if got := n.ok("import \"" + name + "/chosen\"\nchosen.Version"); !strings.HasSuffix(got, "result:1.1") || strings.Contains(got, "asks for") {
		t.Errorf("a version of the user's go.mod: %q", got)
	}
	write(t, n.o.Dir, map[string]string{"go.mod": "module example.test/mine\n\ngo 1.24\n\nrequire (\n\t" + name + "/chosen v1.2.0\n\tgonum.org/v1/gonum v0.9.0\n)\n",
		"a/a.go": "package a\n\nimport \"" + name + "/chosen\"\n\nconst V = chosen.Version\n"})
	got := n.ok("import \"example.test/mine/a\"\na.V")
	for _, want := range []string{"go.mod asks for " + name + "/chosen v1.2.0; v1.1.0 is used, because the session has loaded it", "go.mod asks for gonum.org/v1/gonum v0.9.0; v0.1", "because it is part of the session program"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if !strings.HasSuffix(got, "result:1.1") {
		t.Errorf("got %q", got)
	}
}

// TestTags tests build tags from %goflags and from the environment.
func TestTags(t *testing.T) {
	e2e(t)
	n := newSession(t)
	write(t, n.o.Dir, map[string]string{"go.mod": "module example.test/tagged\n\ngo 1.24\n",
		"p/a.go": "//go:build fancy\n\npackage p\n\nconst Kind = \"fancy\"\n", "p/b.go": "//go:build !fancy\n\npackage p\n\nconst Kind = \"plain\"\n"})
	if got := n.ok("import \"example.test/tagged/p\"\np.Kind"); !strings.HasSuffix(got, "result:plain") {
		t.Errorf("got %q", got)
	}
	n.ok("%goflags -tags=fancy,other")
	if got := n.ok("p.Kind"); !strings.HasSuffix(got, "result:fancy") {
		t.Errorf("with the tag: %q", got)
	}
	if got := n.ok("%goflags\n!echo $GOFLAGS"); got != "stdout:GOFLAGS=-tags=fancy,other\n-tags=fancy,other\n" {
		t.Errorf("got %q", got)
	}
	n.ok("%env GOFLAGS=-mod=mod")
	if got := n.ok("p.Kind"); !strings.HasSuffix(got, "result:plain") {
		t.Errorf("without the tag: %q", got)
	}
	n.run("%goflags -race").failed(t, "UsageError", "want -tags=NAME,NAME, got -race")
	n.ok("%goflags -tags=purego,netgo")
	n.run("import \"golang.org/x/net/nosuchthing\"").failed(t, "CompileError", "")
}
