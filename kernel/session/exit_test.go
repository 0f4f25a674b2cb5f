package session

import (
	"strings"
	"testing"
	"time"
)

// os.Exit and log.Fatal stop the cell and nothing else, wherever they are called.
func TestExit(t *testing.T) {
	n := newSession(t)
	n.ok("kept := 41\nimport (\"log\"; \"flag\")\nfunc deep(n int) { if n == 0 { log.Fatalf(\"no %s\", \"file\") }; deep(n-1) }\n" +
		"func in(f func()) { f() }\ntype E struct{}\nfunc (E) String() string { os.Exit(7); return \"\" }")
	for _, c := range []struct{ name, src, want string }{
		{"plain", "kept++\nos.Exit(3)\nkept = 0", "os.Exit(3)"},
		{"function", "deep(3)\nkept = 0", "no file (exit code 1)"},
		{"deferred", "func() { defer os.Exit(4); kept++ }()\nkept = 0", "os.Exit(4)"},
		{"deferred by the cell", "defer log.Fatalln(\"late\", 1)\nkept++", "late 1 (exit code 1)"},
		{"recovering", "func() { defer func() { recover() }(); os.Exit(5) }()\nkept = 0", "os.Exit(5)"},
		{"function value", "in(func() { f := os.Exit; f(6) })\nkept = 0", "os.Exit(6)"},
		{"library", "log.New(os.Stdout, \"\", 0).Fatal(\"by a logger\")\nkept = 0", "os.Exit(1)"},
		{"flag", "flag.NewFlagSet(\"p\", flag.ExitOnError).Parse([]string{\"-none\"})\nkept = 0", "os.Exit(2)"},
		{"goroutine", "go os.Exit(8)\ntime.Sleep(time.Hour)\nkept = 0", "os.Exit(8)"},
		{"goroutine, waited for in a library", "r, w := io.Pipe()\ngo func() { time.Sleep(time.Millisecond); os.Exit(9) }()\nfor { os.Stdin.Read(nil) ; select {} }\n_, _ = r, w", "os.Exit(9)"},
		{"timer", "time.AfterFunc(time.Millisecond, func() { log.Fatal(\"timed\") })\nselect {}", "timed (exit code 1)"},
		{"shown", "E{}", "os.Exit(7)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.src, "io.") {
				n.ok("import \"io\"")
			}
			begin := time.Now()
			n.run(c.src).failed(t, nameExit, c.want, "variables are kept")
			if d := time.Since(begin); d > 8*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
	if got := n.ok("kept"); got != "result:44" {
		t.Errorf("the variable is lost or wrong: %q", got)
	}
	for _, src := range []string{"os.Exit(0)\nkept = 0", "func() { defer os.Exit(0) }()\nkept = 0", "kept++\nos.Exit(0)\n%echo not reached"} {
		if got := n.ok(src); got != "" {
			t.Errorf("%q: got %q", src, got)
		}
	}
	if got := n.ok("kept"); got != "result:45" {
		t.Errorf("got %q", got)
	}
	n.ok("func TestLeaving(t *testing.T) { os.Exit(3) }\nimport \"testing\"")
	r := n.run("%test")
	r.failed(t, "TestFailure", "tests failed")
	if !strings.Contains(r.all(), "os.Exit or log.Fatal was called") {
		t.Errorf("got %q", r.all())
	}
	if got := n.ok("leave := make(chan int)\ngo func() { <-leave; os.Exit(3) }()\nkept"); got != "result:45" {
		t.Errorf("got %q", got)
	}
	if got := n.ok("close(leave)\ntime.Sleep(100*time.Millisecond)\nkept"); got != "result:45" {
		t.Errorf("after the exit of an earlier cell's goroutine: %q", got)
	}
}

// Nothing that the kernel does automatically to show a value kills the session.
func TestShowing(t *testing.T) {
	n := newSession(t)
	n.ok("kept := 1\nvar s []any = []any{1, nil}\ns[1] = s\nm := map[string]any{}\nm[\"m\"] = m\nvar p any\np = &p\ntype P *P\nvar q P\nq = &q\n" +
		"type R struct{ N int }\nfunc (r R) String() string { return fmt.Sprintf(\"%v\", r) }\nvar r R\n" +
		"type L struct{}\nfunc (L) String() string { for {} }\nvar l L")
	for _, src := range []string{"s", "m", "p", "q", "r", "r ", "R{2}", "s[1:]", "%who s m p q r", "%who l"} {
		r := n.run(src)
		if r.err != nil {
			t.Fatalf("%s: %v", src, trace(r.err))
		}
		t.Logf("%s: %.200s", src, r.all())
	}
	if got := n.ok("r"); !strings.Contains(got, "cannot be shown") {
		t.Errorf("got %.300q", got)
	}
	for _, src := range []string{"l", "L{}"} {
		n.interruptShown(src).failed(t, nameInterrupted, "interrupted")
	}
	for src, want := range map[string]string{"panic(s)": "again)]", "panic(m)": "again)]", "panic(r)": "cannot be shown", "panic(l)": "cannot be shown"} {
		n.run(src).failed(t, "Panic", want)
	}
	if got := n.ok("kept"); got != "result:1" {
		t.Errorf("got %q", got)
	}
}
