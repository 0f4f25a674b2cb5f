package cell

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestUnit(t *testing.T) {
	nb := newNotebook(t)
	u := nb.run("import \"fmt\"\nfunc double(n int) int { return n * 2 }\nfunc unneeded() {}\nx := double(4)\n_ = fmt.Sprint(x)")
	if u.N != 1 || u.PluginPath != "nbcell1" || u.Entry != "nbcell1.main" || u.Empty {
		t.Errorf("unit %+v", u)
	}
	if want := []string{"fmt", testRuntime, "unsafe"}; !slices.Equal(u.Imports, want) {
		t.Errorf("imports %v, want %v", u.Imports, want)
	}
	nb.has("//go:linkname nbCell1 nbcell1.main", "nbrt__.Var(\"x\", &x)", "//line In[1]:4:1\nx  = double(4)\n", "var x int", "//line In[1]:2:1\nfunc double")
	nb.lacks("nbrt__.Show", "nbamd")
	nb.run("x++")
	nb.lacks("double", "fmt")
	nb.run("double(x)")
	nb.has("nbrt__.Show(/*line In[3]:1:1*/double(x))", "func double(n int) int { return n * 2 }")
	nb.lacks("unneeded")
}

// Directives for the compiler stay with their functions.
func TestDirectives(t *testing.T) {
	nb := newNotebook(t)
	nb.run("// f is small.\n//go:noinline\n//go:build ignore\nfunc f() int { return 1 }\n\n//go:noinline\n\nfunc g() {}\nf()\ng()")
	nb.has("//go:noinline\n//line In[1]:4:1\nfunc f() int", "\n//line In[1]:8:1\nfunc g() {}")
	nb.lacks("//go:build", "//go:noinline\n//line In[1]:8:1")
	nb.run("f()")
	nb.has("//go:noinline\n//line In[1]:4:1\nfunc f() int")
}

func TestFast(t *testing.T) {
	cfg := testConfig(t)
	cfg.Fast = true
	u, err := New(cfg).Prepare(1, "x := 1")
	if err != nil {
		t.Fatal(err)
	}
	run := u.Files["run.go"]
	for _, want := range []string{`import nbamd__ "nbamd"`, "if nbrt__.False { nbrt__.Keep(&nbrt__.AddModuleData, nbamd__.F) }"} {
		if !strings.Contains(run, want) {
			t.Errorf("no %q in\n%s", want, run)
		}
	}
}

func TestEmpty(t *testing.T) {
	nb := newNotebook(t)
	for _, src := range []string{"", "// comment", "import \"fmt\"", ";;", "package main"} {
		if u := nb.run(src); !u.Empty {
			t.Errorf("%q is not empty: %v", src, u.Files)
		}
	}
	if nb.run("fmt.Sprint(1)").Empty {
		t.Error("not empty")
	}
	if nb.run(`import _ "image/png"`).Empty {
		t.Error("an import for its effect is not empty")
	}
}

// A failed or uncommitted cell changes nothing.
func TestPrepareChangesNothing(t *testing.T) {
	nb := newNotebook(t)
	nb.run("type T struct { a int }\nx := T{1}\nfunc f() int { return x.a }")
	before := nb.Names()
	nb.fails("type T struct { b int }\nx := 3\nfunc f() string { return nosuch }")
	if _, err := nb.Prepare(9, "x := 3.5\ny := 1\nimport \"fmt\""); err != nil {
		t.Fatal(err)
	}
	if after := nb.Names(); !slices.Equal(before, after) {
		t.Errorf("names %v, before %v", after, before)
	}
	nb.run("x.a + f()")
}

func TestNumbersComeAgain(t *testing.T) {
	nb := newNotebook(t)
	a := nb.run("x := 1")
	b, err := nb.Prepare(1, "x + 1")
	if err != nil || a.PluginPath == b.PluginPath || a.Entry == b.Entry {
		t.Errorf("%v, %s and %s", err, a.PluginPath, b.PluginPath)
	}
}

// Two cells with the same number may import different packages under one name.
func TestSameNumberOtherImport(t *testing.T) {
	s := New(testConfig(t))
	var u *Unit
	for _, src := range []string{"import \"math/rand\"\nfunc one() int { return rand.Int() }", "import \"math/rand/v2\"\nfunc two() int { return rand.IntN(2) }", "one() + two()"} {
		var err error
		if u, err = s.Prepare(1, src); err != nil {
			t.Fatal(err)
		}
		s.Commit(u)
	}
	if msg := compileError(t, t.TempDir(), u); msg != "" {
		t.Error(msg)
	}
}

func TestLinks(t *testing.T) {
	nb := newNotebook(t)
	nb.run("type point struct { x int }\nN := 1\nlen := 5\nfunc Exported() int { return N + len }")
	nb.has("var ᐟN int", "var lenᐟ int", "func ᐟExported/*line In[1]:4:14*/()", "type point struct")
	nb.run("type point struct { x, y int }\nN := \"text\"")
	nb.run("point{1, 2}")
	nb.has("type pointᐟ2/*line In[2]:1:11*/ struct { x, y int }", "nbrt__.Show(/*line In[3]:1:1*/pointᐟ2/*line In[3]:1:6*/{1, 2})")
	nb.run("N")
	nb.has("var ᐟNᐟ2 string")
	// An import whose name is a variable's link gets another one in the files.
	nb.run("sort := []int{1}")
	nb.run("func first() int { return sort[0] }")
	nb.run("import \"sort\"\nxs := []int{2, 1}\nsort.Ints(xs)\nfirst()")
	nb.has("import p_sortᐟ \"sort\"", "p_sortᐟ/*line In[7]:3:5*/.Ints(xs)", "var sort []int")
}

func TestReuse(t *testing.T) {
	nb := newNotebook(t)
	nb.run("x := 1\np := &x")
	nb.run("x := 2")
	nb.has("var x int")
	nb.lacks("nbrt__.Var")
	nb.run("x := \"s\"") // not cleared, because something holds its address
	nb.has("var xᐟ2 string")
	nb.lacks("Zero")
	nb.run("big := make([]int, 1000)")
	nb.run("big := \"small\"")
	nb.has("nbrt__.Zero(&big)", "var big []int", "var bigᐟ2 string")
	nb.run("big + x")
	nb.lacks("[]int")
	nb.run("data := make([]int, 1000)")
	nb.run("func data() {}")
	nb.has("nbrt__.Zero(&data)", "func dataᐟ2")
}

// Running a cell again creates no new versions.
func TestSameAgain(t *testing.T) {
	nb := newNotebook(t)
	src := "type shape interface { area() int }\ntype sq struct { s int }\nfunc (s sq) area() int { return f(s.s) }\nfunc f(n int) int { return n * n }\nconst k = 3\ntype arr [k]int"
	nb.run(src)
	nb.run("var s shape = sq{2}\nvar a arr")
	nb.run("// comments do not count\n" + strings.ReplaceAll(src, "n * n", "n  *  n /* again */"))
	nb.run("s = sq{3}\na = arr{1}\n_ = s.(sq)\nf(2)")
	nb.lacks(prime)
	nb.run("func f(n int) int { return n }")
	nb.run("s.(sq)")
	nb.has("type sqᐟ2")
}

func TestWarnings(t *testing.T) {
	nb := newNotebook(t)
	nb.run("type T struct { a int }\nfunc (t T) get() int { return t.a }\nfunc use(t T) int { return t.a }\nfunc f() int { return 1 }\nfunc g() int { return f() + 1 }")
	u := nb.run("type T struct { b string }")
	if got := strings.Join(u.Warnings, "\n"); !strings.Contains(got, "method T.get (In[1]) is gone: In[1]:2:33: t.a undefined") || !strings.Contains(got, "use (In[1]) still uses the earlier definitions") {
		t.Errorf("warnings %q", got)
	}
	if u := nb.run("func f() int { return 2 }"); len(u.Warnings) > 0 {
		t.Errorf("warnings %q", u.Warnings)
	}
	nb.run("g()")
	nb.has("func gᐟ2/*line In[1]:5:7*/() int {" + stopCheck + " return fᐟ2/*line In[1]:5:24*/() + 1 }")
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		src  string
		want []string // beginnings, all errors at once
	}{
		{"x := nosuch\n  y := x.z + other", []string{"In[2]:1:6: undefined: nosuch", "In[2]:2:14: undefined: other"}},
		{"func f() int {\n\treturn \"s\"\n}\nf(1)", []string{"In[2]:2:9: cannot use \"s\"", "In[2]:4:3: too many arguments"}},
		{"a := 1\nb := ]\nc := (", []string{"In[2]:2:6: syntax error: unexpected ]"}},
		{"x := := 3\ny := 4 5", []string{"In[2]:1:6: syntax error: expected operand", "In[2]:2:8: syntax error: expected ';', found 5"}},
		{"func f(", []string{"In[2]:1:7: syntax error: ( is never closed"}},
		{"type T struct { T }", []string{"In[2]:1:6: invalid recursive type: T refers to itself"}},
		{"import \"no/such\"\nimport \"strings\"", []string{"In[2]:1:8: cannot import package no/such"}},
		{"func twice() {}\nfunc twice() {}", []string{"In[2]:2:6: twice redeclared"}},
		{"old + 1 + true", []string{"In[2]:1:1: invalid operation: old + 1 + true (mismatched types int and untyped bool)"}},
		{"func noBody()", []string{"In[2]:1:6: missing function body"}},
		{"func noBody()\nfunc none() int\nnone()", []string{"In[2]:1:6: missing function body", "In[2]:2:6: missing function body"}},
		{"break", []string{"In[2]:1:1: break not in for"}},
		{"old = \"s\"", []string{"In[2]:1:7: cannot use \"s\" (untyped string constant) as int value in assignment"}},
		{"int", []string{"In[2]:1:1: int (type) is not an expression"}},
		{"x := nil", []string{"In[2]:1:6: use of untyped nil"}},
		{"\tm := map[string]int{}\n\tm.x", []string{"In[2]:2:4: m.x undefined"}},
	} {
		nb := newNotebook(t)
		nb.run("old := 1")
		errs := nb.fails(c.src)
		if len(errs) != len(c.want) {
			t.Errorf("%q: %d errors, want %d:\n%v", c.src, len(errs), len(c.want), errs)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(errs[i].String(), want) {
				t.Errorf("%q: %s, want %s", c.src, errs[i], want)
			}
		}
	}
}

func TestRender(t *testing.T) {
	nb := newNotebook(t)
	errs := nb.fails("x := 1\n\ty := \"é\" + nosuch(x)")
	want := []string{"In[1]:2:14: undefined: nosuch", "    \ty := \"é\" + nosuch(x)", "    \t           ^"}
	if got := errs.Render(false); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := errs.Render(true)[0]; !strings.Contains(got, red) {
		t.Errorf("%q has no colour", got)
	}
}

func TestHints(t *testing.T) {
	nb := newNotebook(t)
	nb.run("counter := 1\ntype S struct { a int }\nv := S{1}")
	nb.run("type S struct { b string }\nfunc take(s S) {}")
	for _, c := range []struct{ src, want string }{
		{"countre + 1", "did you mean counter?"},
		{"rand.Int()", "math/rand/v2"},
		{"take(v)", "S was defined again in In[2]"},
		{"func f() {}\nfunc f() {}", "other declaration of f"},
		{"counter, v", "fmt.Println(a, b) prints several"},
	} {
		if errs := nb.fails(c.src); !strings.Contains(errs[0].Hint, c.want) {
			t.Errorf("%q: hint %q, want %q", c.src, errs[0].Hint, c.want)
		}
	}
}

func TestAutoImport(t *testing.T) {
	nb := newNotebook(t)
	u := nb.run("x := strings.ToUpper(fmt.Sprint(math.Pi))\nfunc f() string { return os.Args[0] }")
	if want := []string{"fmt", "math", "os", "strings"}; !slices.Equal(u.AutoImported, want) {
		t.Errorf("added %v, want %v", u.AutoImported, want)
	}
	if u := nb.run("fmt.Println(x)"); len(u.AutoImported) > 0 {
		t.Errorf("added %v again", u.AutoImported)
	}
	nb.fails("fmt.NoSuch()")
}

func TestCompilerErrors(t *testing.T) {
	nb := newNotebook(t)
	nb.run("x := 1\ny := 2")
	errs := nb.CompilerErrors("In[1]:2:1: yᐟ2 does not fit\nnonsense\nnote: module requires Go 2\n")
	if len(errs) != 1 || errs[0].String() != "In[1]:2:1: y does not fit" || errs[0].Source != "y := 2" {
		t.Errorf("%+v", errs)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"nothing":                       "nothing",
		"main.pointᐟ2{x:1}":             "main.point{x:1}",
		"ᐟExported and ᐟNᐟ12, lenᐟ":     "Exported and N, len",
		"nb.(*stackᐟ3[int]).push In[1]": "nb.(*stack[int]).push In[1]",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	nb := newNotebook(t)
	nb.run("import \"fmt\"\nx := map[string][]int{}\nconst c = 2.5\ntype T[K any] struct { k K }\nfunc f(t T[int]) error { return nil }")
	nb.run("y := T[string]{}")
	want := []Name{
		{"T", "type", "T[K any]", 1}, {"c", "const", "untyped float", 1}, {"f", "func", "func(t T[int]) error", 1},
		{"fmt", "import", "fmt", 0}, {"x", "var", "map[string][]int", 1}, {"y", "var", "T[string]", 2},
	}
	if got := nb.Names(); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestReset(t *testing.T) {
	nb := newNotebook(t)
	nb.run("import \"fmt\"\nn := 1\ntype T struct { a int }\nfunc pure(t T) int { return t.a }\nfunc uses() int { return n }\nfunc indirect() int { return uses() }")
	var lost []string
	for _, name := range nb.Reset() {
		lost = append(lost, name.Kind+" "+name.Name)
	}
	if want := []string{"func indirect", "var n", "func uses"}; !slices.Equal(lost, want) {
		t.Errorf("lost %v, want %v", lost, want)
	}
	nb.run("fmt.Println(pure(T{1}))")
	if errs := nb.fails("n"); errs[0].Msg != "undefined: n" {
		t.Error(errs)
	}
	nb.run("n := \"again\"")
	nb.Restart()
	if names := nb.Names(); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
}

func TestDefineVar(t *testing.T) {
	nb := newNotebook(t)
	nb.run("type T struct { a int }")
	define := func(name, typ string, imports map[string]string) *Unit {
		t.Helper()
		nb.n++
		u, err := nb.DefineVar(nb.n, name, typ, imports)
		if err != nil {
			t.Fatal(err)
		}
		nb.Commit(u)
		nb.last = u
		return u
	}
	define("model", "*m.Dense", map[string]string{"m": "gonum.org/v1/gonum/mat"})
	nb.has("model = nbrt__.Take[*p_gonum_org_v1_gonum_matᐟ.Dense](\"model\")", "nbrt__.Var(\"model\", &model)")
	if msg := compileError(t, t.TempDir(), nb.last); msg != "" {
		t.Error(msg)
	}
	nb.run("model.Dims()")
	define("model", "*m.Dense", map[string]string{"m": "gonum.org/v1/gonum/mat"})
	nb.lacks("nbrt__.Var", prime+"2")
	define("model", "map[string][]T", nil)
	nb.has("modelᐟ2 = nbrt__.Take[map[string][]T](\"model\")")
	nb.run("model[\"x\"][0].a")
	for _, bad := range []struct{ name, typ string }{{"1x", "int"}, {"func", "int"}, {"x", "no such"}, {"x", "nosuch.T"}, {"_", "int"}} {
		if _, err := nb.DefineVar(99, bad.name, bad.typ, nil); err == nil {
			t.Errorf("DefineVar(%s, %s) works", bad.name, bad.typ)
		}
	}
}

func TestImports(t *testing.T) {
	if got := Imports("import (\n\t\"fmt\"\n\tx \"a/b\"\n)\nf()\nimport . \"math\""); !slices.Equal(got, []string{"fmt", "a/b", "math"}) {
		t.Errorf("imports %v", got)
	}
}

// A call that returns only an error has no value to show.
func TestLoneErrorIsShownByItself(t *testing.T) {
	nb := newNotebook(t)
	nb.run("func fine() error { return nil }\nfine()")
	nb.has("nbrt__.ShowError(")
	nb.run("err := fine()\nerr")
	nb.has("nbrt__.Show(")
}

// TestUniqueImports: a package is imported automatically if it is the only one with
// the member.
func TestUniqueImports(t *testing.T) {
	c := testConfig(t)
	c.AutoImports = nil
	c.Packages = func() []string { return []string{"crypto/rand", "math/rand", "math/rand/v2", "sort"} }
	s := New(c)
	for src, want := range map[string]string{"x := rand.IntN(3)": "math/rand/v2", "y := rand.Intn(3)": "math/rand", "z := rand.Text()": "crypto/rand", "w := sort.SearchInts(nil, 1)": "sort"} {
		u, err := s.Prepare(1, src)
		if err != nil || !slices.Equal(u.AutoImported, []string{want}) {
			t.Errorf("%s: %v, %v", src, u, err)
		}
	}
	if _, err := s.Prepare(2, "v := rand.Int()"); err == nil || !strings.Contains(err.Error(), "undefined: rand") {
		t.Errorf("more than one: %v", err)
	}
}

// In a chain of declarations, each fails only after the previous one has kept its
// earlier version. However long the chain is, none is compiled with a version that does
// not fit.
func TestLongBlame(t *testing.T) {
	nb := newNotebook(t)
	const n = 260
	var b strings.Builder
	b.WriteString("type T struct { a int }\nfunc f0() T { return T{a: 1} }\n")
	for i := range n {
		fmt.Fprintf(&b, "func f%d() T { var t T = f%d(); return t }\n", i+1, i)
	}
	nb.run(b.String())
	u := nb.run("type T struct { b int }")
	if len(u.Warnings) != n+1 {
		t.Fatalf("%d warnings, want %d", len(u.Warnings), n+1)
	}
	nb.run(fmt.Sprintf("f%d()", n))
	nb.has("a int")
	nb.run("type T struct { a, c int }")
	nb.run(fmt.Sprintf("f%d().c", n)) // follows again
}
