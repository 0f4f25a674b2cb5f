package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel"
)

func TestTestMagics(t *testing.T) {
	e2e(t)
	n := newSession(t)
	n.ok("import \"testing\"\nvar limit = 3\nfunc half(n int) int { return n / 2 }")
	got := n.ok(`%%test -v
func TestHalf(t *testing.T) {
	for _, c := range []struct{ in, want int }{{4, 2}, {limit, 1}} {
		if got := half(c.in); got != c.want {
			t.Errorf("half(%d) = %d, want %d", c.in, got, c.want)
		}
	}
	t.Run("zero", func(t *testing.T) { t.Log(half(0)) })
}

func ExampleHalf() {
	fmt.Println(half(10))
	// Output: 5
}

func FuzzHalf(f *testing.F) {
	f.Add(4)
	f.Fuzz(func(t *testing.T, n int) { half(n) })
}`)
	for _, want := range []string{"--- PASS: TestHalf (", "--- PASS: TestHalf/zero", "--- PASS: ExampleHalf", "--- PASS: FuzzHalf", "PASS\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	n.ok("func half(n int) int { return n/2 + 1 }")
	r := n.run("%test -run TestHalf")
	r.failed(t, "TestFailure", "tests failed")
	if all := r.all(); !strings.Contains(all, "half(4) = 3, want 2") || !strings.Contains(all, "--- FAIL: TestHalf (") || strings.Contains(all, "PASS") {
		t.Errorf("got %q", all)
	}
	n.run("%test").failed(t, "TestFailure", "tests failed") // the example prints 6
	r = n.run("%%test\nfunc TestPanic(t *testing.T) { var m map[string]int; m[\"a\"] = 1 }")
	r.failed(t, "TestFailure", "tests failed")
	if all := r.all(); !strings.Contains(all, "panic: assignment to entry in nil map") {
		t.Errorf("got %q", all)
	}
	got = n.ok("%%bench -benchmem -benchtime 100x\nfunc BenchmarkHalf(b *testing.B) { for b.Loop() { half(7) } }")
	for _, want := range []string{"BenchmarkHalf", "100", "ns/op", "allocs/op", "PASS"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if got := n.ok("%bench Half -benchtime 10x"); !strings.Contains(got, "BenchmarkHalf") || strings.Contains(got, "allocs/op") {
		t.Errorf("got %q", got)
	}
	if got := n.ok("limit"); got != "result:3" {
		t.Errorf("got %q", got)
	}
	n.run("%test -nonsense").failed(t, "UsageError", "unknown option -nonsense")
}

// An asked also records the payloads of a reply.
type asked struct {
	*record
	next string
}

func (a *asked) Page(kernel.Bundle)            {}
func (a *asked) NextInput(code string, _ bool) { a.next = code }

func TestFileMagics(t *testing.T) {
	n := newSession(t)
	write(t, n.o.Dir, map[string]string{"prog.go": "package main\n\nimport \"fmt\"\n\nfunc greet() string { return \"hello\" }\n\nfunc main() { fmt.Println(greet()) }\n", "lib.go": "package lib\n", "data/a.csv": "1,2\n", "data/b.csv": ""})
	if got := n.ok("%run prog.go"); got != "stdout:hello\n" {
		t.Errorf("got %q", got)
	}
	if got := n.ok("greet()"); got != "result:hello" {
		t.Errorf("got %q", got)
	}
	write(t, n.o.Dir, map[string]string{"args.go": "package main\n\nimport (\n\t\"flag\"\n\t\"fmt\"\n\t\"os\"\n)\n\nvar times = flag.Int(\"n\", 1, \"times\")\n\nfunc main() {\n\tflag.Parse()\n\tfmt.Println(os.Args[0], *times, flag.Args())\n}\n"})
	for range 2 {
		if got := n.ok(`%run args.go -n 3 'a b' ""`); got != "stdout:args.go 3 [a b ]\n" {
			t.Errorf("got %q", got)
		}
	}
	n.run("%run args.go -x").failed(t, "Panic", "not defined: -x")
	n.run("%run 'args.go").failed(t, "UsageError", "a quote is not closed")
	n.run("%run lib.go").failed(t, "UsageError", "import it instead")
	n.run("%run none.go").failed(t, "UsageError", "no such file")
	a := &asked{record: &record{}}
	if err := n.Execute(t.Context(), kernel.Cell{Source: "%load prog.go", Count: 50}, a); err != nil || !strings.HasPrefix(a.next, "// %load prog.go\npackage main") {
		t.Errorf("got %q, %v", a.next, err)
	}
	if got := n.ok("%doc strings.Cut"); !strings.Contains(got, "func strings.Cut(s string, sep string)") {
		t.Errorf("got %q", got)
	}
	for _, c := range []struct{ code, want string }{
		{"os.ReadFile(\"data/", "data/a.csv data/b.csv"},
		{"%run p", "prog.go"},
		{"%cd ", "data/"},
		{"%%writefile -", "-a"},
		{"%test -bench", "-bench -benchmem -benchtime"},
		{"%go v", "version vet"},
		{"%doc gre", "greet"},
		{"!cat data/b", "data/b.csv"},
		{"%loa", "load"},
	} {
		got, err := n.Complete(t.Context(), c.code, len(c.code))
		var texts []string
		for _, m := range got.Matches {
			texts = append(texts, m.Text)
		}
		if err != nil || strings.Join(texts, " ") != c.want {
			t.Errorf("%q: got %q %v", c.code, texts, err)
		}
	}
	for name := range owns() {
		if got := n.ok("%" + name + "?"); len(got) < 20 {
			t.Errorf("%%%s?: %q", name, got)
		}
	}
	n.ok("p := &struct{ a int; b *int }{1, new(int)}\nq := new(7)\nf := func() {}\nc := make(chan int, 2)")
	who := n.ok("%who")
	if strings.Contains(who, "0xc") || !strings.Contains(who, "&{a:1 b:…}") || !strings.Contains(who, "&7") {
		t.Errorf("got %s", who)
	}
	n.ok("%%writefile -a data/b.csv\n3,4\n")
	if b, _ := os.ReadFile(filepath.Join(n.o.Dir, "data/b.csv")); string(b) != "3,4\n" {
		t.Errorf("got %q", b)
	}
}

// TestGophernotes runs cells as in notebooks written for gophernotes.
func TestGophernotes(t *testing.T) {
	n := newSession(t)
	for _, c := range []struct{ src, want string }{
		{"{\n\tDisplay(display.Markdown(\"* hello\"))\n\tDisplay(display.Math(`e^x`))\n}", "display false map[text/markdown:* hello text/plain:* hello]|display false map[text/latex:$$e^x$$ text/plain:e^x]"},
		{"display.HTML(`<b>x</b>`)", "display false map[text/html:<b>x</b> text/plain:<b>x</b>]"},
		{"display.MakeData(\"text/html\", \"<i>y</i>\")", "result:<i>y</i>"},
		{"Display(display.MakeData3(\"text/latex\", \"z\", \"$z$\"))", "display false map[text/latex:$z$ text/plain:z]"},
		{"display.Latex(\"a\")", "display false map[text/latex:$a$ text/plain:a]"},
		{"display.Auto([]byte(\"<svg></svg>\"))", "display false map[text/plain:<svg></svg>]"},
		{"display.Any(\"text/html\", strings.NewReader(\"<p>\"))", "display false map[text/html:<p> text/plain:<p>]"},
		{"type card struct{ title string }\nfunc (c card) SimpleRender() display.MIMEMap { return display.MIMEMap{\"text/html\": c.title, \"text/plain\": \"card\"} }\ncard{\"t\"}", "result:card"},
		{"type page struct{}\nfunc (page) HTML() string { return \"<h1>\" }\nDisplay(page{})", "display false map[text/html:<h1> text/plain:{}]"},
		{"fmt.Println(\"hello, world\")", "stdout:hello, world\n"},
		{"func two() (int, string) { return 1, \"b\" }\ntwo()", "result:1 b"},
		{"%go111module on", ""},
		{":import \"math\"\n:import (\n\t\"errors\"\n)\nmath.Sqrt(4)", "result:2"},
		{"display.Data{Data: display.MIMEMap{display.MIMETypeHTML: \"<b>s</b>\", \"text/plain\": \"s\"}}", "result:s"},
		{"Display(display.Data{\n\tData:     display.MIMEMap{\"text/plain\": \"m\"},\n\tMetadata: display.MIMEMap{\"text/plain\": 1},\n})", "display false map[text/plain:m]"},
		{"type doc struct{}\nfunc (doc) Render() display.Data { return display.MakeData(\"text/html\", \"<p>\") }\nvar r display.Renderer = doc{}\nr", "result:<p>"},
		{"display.String(\"text/markdown\", \"*s*\")", "display false map[text/markdown:*s* text/plain:*s*]"},
		{"import \"image\"\n// in package display\nfunc JPEG([]byte) error\nfunc Image(image.Image) error", ""},
		{"$echo works", "stdout:works\n"},
		{"$ echo it works", "stdout:it works\n"},
		{"package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"pasted\") }", "stdout:pasted\n"},
	} {
		if got := n.ok(c.src); got != strings.ReplaceAll(c.want, "|", separator) {
			t.Errorf("%s\ngot  %q\nwant %q", c.src, got, c.want)
		}
	}
}
