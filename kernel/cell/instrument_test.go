package cell

import (
	"regexp"
	"strings"
	"testing"
)

// instrumented returns what becomes of the body of a function.
func instrumented(t *testing.T, params, body string) string {
	t.Helper()
	nb := newNotebook(t)
	nb.run("import \"time\"\nfunc call(...any) {}\nfunc f(" + params + ") {\n" + body + "\n}")
	_, text, ok := strings.Cut(nb.source(), "//line In[1]:3:1\nfunc f("+params+") {")
	if !ok {
		t.Fatal(nb.source())
	}
	text, _, _ = strings.Cut(text, "\n//")
	text = stretch.ReplaceAllString(text, "STRETCH($1)")
	return strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(text, stopCheck, "CHECK;")), "}")
}

// stretch is what cuts a counted loop.
var stretch = regexp.MustCompile(`nbe__ := i; nbe__ = (.*?); if nbe__-i > 65536 \{ nbe__ = i \+ 65536 \}; nbs__ := i; i = nbe__; for i := nbs__; i < nbe__; i\+\+ \{`)

func TestChecks(t *testing.T) {
	for _, c := range []struct{ params, body, want string }{
		{"", "x := 1; _ = x", "x := 1; _ = x"},
		{"", "call()", "CHECK;\ncall()"},
		{"", "for { }", "for {CHECK; }"},
		{"n int", "for i := 0; i < n; i++ { }", "for i := 0; i < n;  {CHECK;STRETCH(n) }}"},
		{"xs []int", "for i := 1; i < len(xs); i++ { xs[i] += i; if i == 3 { continue } }", "for i := 1; i < len(xs);  {CHECK;STRETCH(len(xs)) xs[i] += i; if i == 3 { continue } }}"},
		{"n int", "for i := 0; i < n; i += 2 { }", "for i := 0; i < n; i += 2 {CHECK; }"},
		{"n int", "for i := n; i > 0; i-- { }", "for i := n; i > 0; i-- {CHECK; }"},
		{"n int", "for i := 0; i < n; i++ { i = 1 }", "for i := 0; i < n; i++ {CHECK; i = 1 }"},
		{"n int", "for i := 0; i < n; i++ { n-- }", "for i := 0; i < n; i++ {CHECK; n-- }"},
		{"n int", "for i := 0; i < n; i++ { break }", "for i := 0; i < n; i++ {CHECK; break }"},
		{"n int", "for i := 0; i < n; i++ { p := &i; *p = 1 }", "for i := 0; i < n; i++ {CHECK; p := &i; *p = 1 }"},
		{"n int, p *int", "for i := 0; i < n; i++ { *p = 1 }", "for i := 0; i < n; i++ {CHECK; *p = 1 }"},
		{"n int16", "for i := int16(0); i < n; i++ { }", "for i := int16(0); i < n; i++ {CHECK; }"},
		{"a, b []int", "for i := 0; i < 9; i++ { copy(a, b) }", "for i := 0; i < 9; i++ {CHECK; copy(a, b) }"},
		{"s string", "for i := 0; i < 9; i++ { s += s }", "for i := 0; i < 9; i++ {CHECK; s += s }"},
		{"n int", "for i := 0; i < n; i++ { for { } }", "for i := 0; i < n; i++ {CHECK; for {CHECK; } }"},
		{"xs []int", "for i := range xs { xs[i] = len(xs) }", "for i := range xs { xs[i] = len(xs) }"},
		{"xs []int", "for range xs { call() }", "CHECK;\nfor range xs {CHECK; call() }"},
		{"xs [][]int", "for _, x := range xs { for range x { } }", "for _, x := range xs {CHECK; for range x { } }"},
		{"m map[string]int", "for k := range m { delete(m, k) }", "for k := range m { delete(m, k) }"},
		{"s string", "for range s { }", "for range s { }"},
		{"p *[4]int", "for range p { }", "for range p { }"},
		{"n int", "for range n { }", "for range n {CHECK; }"},
		{"", "for range 1000 { }", "for range 1000 { }"},
		{"", "for range 100000 { }", "for range 100000 {CHECK; }"},
		{"f func(func() bool)", "for range f { }", "for range f {CHECK; }"},
		{"", "again: goto again", "again: CHECK;goto again"},
		{"n int", "again: n++; if n > 3 { goto end }; goto again; end: call(n)", "CHECK;\nagain: n++; if n > 3 { goto end }; CHECK;goto again; end: call(n)"},
		{"n int", "one: if n > 0 { goto two }; two: if n > 1 { goto one }", "one: if n > 0 { goto two }; two: if n > 1 { CHECK;goto one }"},
		{"ch chan int", "for range ch { }", "for nbch__ := ch; ;  {_, nbok__ := nbrt__.Recv2(nbch__); if !nbok__ { break }; }"},
		{"ch chan int", "for v := range ch { call(v) }", "CHECK;\nfor nbch__ := ch; ;  {nbv__, nbok__ := nbrt__.Recv2(nbch__); if !nbok__ { break };v := nbv__; call(v) }"},
		{"ch chan int", "<-ch", "nbrt__.Recv(ch)"},
		{"ch chan int", "v, ok := <-ch; _, _ = v, ok", "v, ok := nbrt__.Recv2(ch); _, _ = v, ok"},
		{"ch chan chan int", "<-<-ch", "nbrt__.Recv(nbrt__.Recv(ch))"},
		{"ch chan int", "ch <- 1 + 2", "select { case ch <- 1 + 2: case <-nbrt__.Intr(): nbrt__.Halt() }"},
		{"ch chan int", "select { case v := <-ch: call(v) }", "CHECK;\nselect {" + haltCase + " case v := <-ch: call(v) }"},
		{"ch chan int", "select { case ch <- 1: default: }", "select { case ch <- 1: default: }"},
		{"", "select { }", "select {" + haltCase + " }"},
		{"", "time.Sleep(1)", "CHECK;\nnbrt__.Sleep(1)"},
		{"", "g := func() { call() }; g()", "CHECK;\ng := func() {CHECK; call() }; g()"},
		{"", "go func() { }()", "CHECK;\ngo func() {defer nbrt__.Guard(); }()"},
		{"", "go call()", "CHECK;\n{  go func() { defer nbrt__.Guard(); call() }() }"},
		{"x int", "go call(x, 1.5)", "CHECK;\n{ nba0__, nba1__ := x, (float64)(1.5); go func() { defer nbrt__.Guard(); call(nba0__, nba1__) }() }"},
		{"xs []any", "go call(xs...)", "CHECK;\n{ nba0__ := xs; go func() { defer nbrt__.Guard(); call(nba0__...) }() }"},
		{"g func(int, string)", "go g(1, \"a\")", "CHECK;\n{ nbf__, nba0__, nba1__ := g, (int)(1), (string)(\"a\"); go func() { defer nbrt__.Guard(); nbf__(nba0__, nba1__) }() }"},
		{"ch chan int", "go close(ch)", "{ nba0__ := ch; go func() { defer nbrt__.Guard(); close(nba0__) }() }"},
	} {
		got := strings.TrimSpace(instrumented(t, c.params, c.body))
		for strings.Contains(got, "/*line") { // marks are tested elsewhere
			from := strings.Index(got, "/*line")
			got = got[:from] + got[from+strings.Index(got[from:], "*/")+2:]
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}

func TestNoChecks(t *testing.T) {
	cfg := testConfig(t)
	cfg.NoChecks = true
	u, err := New(cfg).Prepare(1, "import \"time\"\nch := make(chan int, 1)\nch <- 1\nfor v := range ch { time.Sleep(1); go print(v) }\nselect { }")
	if err != nil {
		t.Fatal(err)
	}
	run := u.Files["run.go"]
	for _, bad := range []string{"Recv", "Flag", "Intr", "nbrt__.Sleep"} {
		if strings.Contains(run, bad) {
			t.Errorf("%s in\n%s", bad, run)
		}
	}
	if !strings.Contains(run, "nbrt__.Guard()") {
		t.Errorf("no guard in\n%s", run)
	}
}

func TestUnused(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"x := 1", "x := 1;_ = x"},
		{"var a, b int = 1, 2", "var a, b int = 1, 2;_ = a;_ = b"},
		{"if x := 1; true { }", "if x := 1; true {_ = x; }"},
		{"for i, j := 0, 1; false; { _ = i }", "for i, j := 0, 1; false; {_ = j;CHECK; _ = i }"},
		{"switch x := 1; { }", "switch x := 1; {default: _ = x; }"},
		{"switch x := 1; { case true: }", "switch x := 1; { case true:_ = x; }"},
		{"switch x := any(1).(type) { case int: }", "switch x := any(1).(type) { case int:_ = x; }"},
		{"switch x := any(1).(type) { }", "switch x := any(1).(type) {default: _ = x; }"},
		{"select { case x := <-make(chan int): default: }", "select { case x := <-make(chan int):_ = x; default: }"},
		{"unused: for false { }", "for false {CHECK; }"},
		{"a, b := 1, 2; b++", "a, b := 1, 2;_ = a; b++"},
	} {
		if got := strings.TrimPrefix(strings.TrimSuffix(instrumented(t, "", c.body), "\n"), "\n"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}
