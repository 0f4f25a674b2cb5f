package session

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/display"
)

// testDir is the folder with the host that all tests share.
var testDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gopherpod-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var autoImports = map[string]string{"fmt": "fmt", "os": "os", "time": "time", "sync": "sync", "strings": "strings", "errors": "errors", "bufio": "bufio", "syscall": "syscall",
	"runtime": "runtime", "mat": "gonum.org/v1/gonum/mat", "display": "github.com/gopherpod/gopherpod/kernel/display"}

func testHost(t testing.TB) *build.Host {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles a session program")
	}
	if d := os.Getenv("GOPHERPOD_TEST_HOST"); d != "" {
		testDir = d
	}
	h, err := build.Prepare(t.Context(), build.Options{Source: "../..", Dir: testDir, Main: "github.com/gopherpod/gopherpod/kernel/session/internal/testmagics", Lean: true,
		Packages: []string{"fmt", "os", "time", "sync", "strings", "errors", "syscall", "runtime", "sort", "bufio",
			"gonum.org/v1/gonum/mat", "github.com/gopherpod/gopherpod/kernel/display"}, Mode: build.Mode(os.Getenv("GOPHERPOD_TEST_MODE"))})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newSession(t testing.TB) *testBook {
	t.Helper()
	s := New(Options{Host: testHost(t), Dir: t.TempDir(), AutoImports: autoImports, Log: func(l string) { t.Log(l) }})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.book.Work()); err == nil {
			t.Errorf("%s is left behind", s.book.Work())
		}
	})
	return &testBook{Session: s, t: t}
}

// A testBook runs cells one after the other.
type testBook struct {
	*Session
	t testing.TB
	n int
}

func (n *testBook) run(src string) *record {
	n.t.Helper()
	return n.runIn(n.t.Context(), src, &record{})
}

func (n *testBook) runIn(ctx context.Context, src string, r *record) *record {
	n.n++
	r.err = n.Execute(ctx, kernel.Cell{Source: src, Count: n.n, Interactive: r.answers != nil}, r)
	return r
}

// ok runs a cell that must succeed and returns everything it shows.
func (n *testBook) ok(src string) string {
	n.t.Helper()
	r := n.run(src)
	if r.err != nil {
		n.t.Fatalf("%s\n%v", src, trace(r.err))
	}
	return r.all()
}

func trace(err error) string {
	var ee *kernel.EvalError
	if errors.As(err, &ee) {
		return ee.Name + "\n" + strings.Join(ee.Traceback, "\n")
	}
	return fmt.Sprint(err)
}

// separator separates outputs of different kinds in a record.
const separator = "¦"

// A record records what a cell shows, in order.
type record struct {
	mu      sync.Mutex
	log     []string
	answers []string // if none is left, nobody answers before the interrupt
	arrived func()   // called when text arrives; may be nil
	err     error
	changed chan struct{}
}

func (r *record) add(format string, a ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := fmt.Sprintf(format, a...)
	if n := len(r.log); n > 0 && strings.HasPrefix(r.log[n-1], s[:7]) && (strings.HasPrefix(s, "stdout:") || strings.HasPrefix(s, "stderr:")) {
		r.log[n-1] += s[7:]
	} else {
		r.log = append(r.log, s)
	}
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

func (r *record) Stream(name string, text []byte) {
	if r.arrived != nil {
		r.arrived()
	}
	r.add("%s:%s", name, text)
}

// Display records what is shown, with bytes as JSON encodes them.
func (r *record) Display(m display.Message) {
	data := maps.Clone(m.Data)
	for mime, v := range data {
		if b, ok := v.([]byte); ok {
			data[mime] = base64.StdEncoding.EncodeToString(b)
		}
	}
	r.add("display %v %v", m.Update, data)
}

func (r *record) Result(m display.Message) { r.add("result:%v", m.Data["text/plain"]) }
func (r *record) Clear(wait bool)          { r.add("clear %v", wait) }
func (r *record) Input(ctx context.Context, prompt string, _ bool) (string, error) {
	r.mu.Lock()
	if len(r.answers) > 0 {
		a := r.answers[0]
		r.answers = r.answers[1:]
		r.mu.Unlock()
		return a, nil
	}
	r.mu.Unlock()
	r.add("asked %s", prompt)
	<-ctx.Done()
	return "", context.Cause(ctx)
}

func (r *record) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.log, separator)
}

// until waits for output that contains want.
func (r *record) until(t testing.TB, want string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		ch := r.changed
		all := strings.Join(r.log, separator)
		r.mu.Unlock()
		if strings.Contains(all, want) {
			return
		}
		select {
		case <-ch:
		case <-deadline:
			t.Fatalf("waited for %q, got %q", want, all)
		}
	}
}

func (r *record) failed(t testing.TB, name, value string, lines ...string) {
	t.Helper()
	var ee *kernel.EvalError
	if !errors.As(r.err, &ee) {
		t.Fatalf("want %s, got %v; output %s", name, r.err, r.all())
	}
	if ee.Name != name || !strings.Contains(ee.Value, value) {
		t.Errorf("want %s %q, got %s %q", name, value, ee.Name, ee.Value)
	}
	text := strings.Join(ee.Traceback, "\n")
	for _, l := range lines {
		if !strings.Contains(text, l) {
			t.Errorf("%q is missing in\n%s", l, text)
		}
	}
	for _, l := range []string{"nbrt__", "nbcell", "gopherpod/kernel", "/rt."} {
		if strings.Contains(text, l) {
			t.Errorf("%q shows in\n%s", l, text)
		}
	}
}

func TestSession(t *testing.T) {
	n := newSession(t)
	t.Run("print", func(t *testing.T) {
		if got := n.ok(`fmt.Println("hello", 1+2)`); got != "stdout:hello 3\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("order", func(t *testing.T) {
		got := n.ok("for i := range 3 {\n fmt.Println(i)\n display.HTML(fmt.Sprint(\"<b>\", i))\n}\nfmt.Fprintln(os.Stderr, \"end\")")
		want := strings.ReplaceAll("stdout:0\n|display false map[text/html:<b>0 text/plain:<b>0]|stdout:1\n|display false map[text/html:<b>1 text/plain:<b>1]|"+
			"stdout:2\n|display false map[text/html:<b>2 text/plain:<b>2]|stderr:end\n", "|", separator)
		if got != want {
			t.Errorf("got %q", got)
		}
	})
	t.Run("panic", func(t *testing.T) {
		r := n.run("m := map[string]int(nil)\nif len(os.Args) > 0 {\nm[\"a\"] = 1\n}")
		r.failed(t, "Panic", "panic: assignment to entry in nil map", fmt.Sprintf("In[%d]:3: m[\"a\"] = 1", n.n))
		n.run("panic(fmt.Errorf(\"no %d\", 7))").failed(t, "Panic", "panic: no 7")
		n.run("var p *struct{ x int }\np.x = 1").failed(t, "Panic", "invalid memory address", ":2")
		n.run("runtime.Goexit()").failed(t, "Panic", "Goexit")
	})
	t.Run("goroutine panics", func(t *testing.T) {
		r := n.run("done := make(chan int)\ngo func() { defer close(done); panic(\"ouch\") }()\n<-done\ntime.Sleep(50*time.Millisecond)")
		if r.err != nil || !strings.Contains(r.all(), "in a goroutine: panic: ouch") {
			t.Errorf("%v %q", r.err, r.all())
		}
	})
	t.Run("C and children", func(t *testing.T) {
		if got := n.ok("syscall.Write(1, []byte(\"raw\\n\"))\nprintln(\"err\")"); !strings.Contains(got, "stdout:raw\n") || !strings.Contains(got, "stderr:err\n") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("much output", func(t *testing.T) {
		got := n.ok("for i := range 100000 { fmt.Println(i) }")
		if !strings.HasSuffix(got, "99998\n99999\n") || strings.Count(got, "\n") != 100000 {
			t.Errorf("%d lines, end %q", strings.Count(got, "\n"), got[max(0, len(got)-20):])
		}
	})
	t.Run("looks like a crash", func(t *testing.T) {
		if got := n.ok("fmt.Fprintln(os.Stderr, \"panic: not really\")"); got != "stderr:panic: not really\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("looks like a fatal error", func(t *testing.T) {
		r := &record{}
		done := make(chan struct{})
		begin := time.Now()
		go func() {
			defer close(done)
			n.runIn(t.Context(), "fmt.Fprintln(os.Stderr, \"fatal error: not really\")\ntime.Sleep(time.Hour)", r)
		}()
		r.until(t, "fatal error: not really")
		if d := time.Since(begin); d > 4*time.Second {
			t.Errorf("shown after %v", d)
		}
		n.Interrupt()
		<-done
	})
	t.Run("usage", func(t *testing.T) {
		n.run("%whoo").failed(t, "UsageError", "did you mean %who?")
		n.run("%xyzzyxyzzy").failed(t, "UsageError", "%lsmagic lists them")
		n.run("%%who\nx").failed(t, "UsageError", "only %who")
		n.run("%%time x\n1").failed(t, "UsageError", "%%time measures the lines below it and takes no arguments, got x")
	})
	t.Run("shell", func(t *testing.T) {
		if got := n.ok("!echo \"a b\" | tr a-z A-Z"); got != "stdout:A B\n" {
			t.Errorf("got %q", got)
		}
		if got := n.ok("%%bash x y\necho $2\necho $1 >&2"); !strings.Contains(got, "stdout:y\n") || !strings.Contains(got, "stderr:x\n") {
			t.Errorf("got %q", got)
		}
		n.run("!exit 3").failed(t, "Error", "exit status 3")
		n.ok("%env GP_TEST=a=b")
		if got := n.ok("!echo $GP_TEST\n%env GP_TEST"); got != "stdout:a=b\na=b\n" {
			t.Errorf("got %q", got)
		}
		n.run("%env GP_NONE").failed(t, "UsageError", "GP_NONE is not set")
		n.ok("%%writefile x.txt\nhello\n")
		if got := n.ok("!cat x.txt"); got != "stdout:hello\n" {
			t.Errorf("got %q", got)
		}
		n.ok("!mkdir sub")
		if got := n.ok("%cd sub\n!basename $PWD"); !strings.HasSuffix(got, "sub\nsub\n") {
			t.Errorf("got %q", got)
		}
		n.run("%cd nowhere").failed(t, "UsageError", "no such file")
	})
	t.Run("lsmagic", func(t *testing.T) {
		if got := n.ok("%lsmagic"); !strings.Contains(got, "%time %%time") {
			t.Errorf("got %q", got)
		}
		if got := n.ok("%time?"); !strings.Contains(got, "%time statement") {
			t.Errorf("got %q", got)
		}
	})
}

// A goroutine that outlives its cell keeps writing to that cell.
func TestAttribution(t *testing.T) {
	n := newSession(t)
	old := n.run("next := make(chan int)\ngo func() {\n for i := range next { fmt.Println(\"late\", i); fmt.Fprintln(os.Stderr, \"err\", i); display.Text(fmt.Sprint(\"shown \", i)); if i == 2 { panic(\"late panic\") } }\n}()")
	if old.err != nil {
		t.Fatal(trace(old.err))
	}
	if got := n.ok("next <- 1\nfmt.Println(\"mine\")"); got != "stdout:mine\n" {
		t.Errorf("got %q", got)
	}
	old.until(t, "shown 1")
	n.ok("next <- 2")
	old.until(t, "late panic")
	old.until(t, "late 1\n")
	old.until(t, "err 2\n")
	if got := n.ok("r, w, _ := os.Pipe()\nsaved := os.Stdout\nos.Stdout = w\nfmt.Print(\"caught\")\nos.Stdout = saved\nw.Close()\nb := make([]byte, 100)\nk, _ := r.Read(b)\nstring(b[:k])"); got != "result:caught" {
		t.Errorf("got %q", got)
	}
}

func TestStdin(t *testing.T) {
	n := newSession(t)
	ask := func(src string, answers ...string) string {
		t.Helper()
		r := n.runIn(t.Context(), src, &record{answers: answers})
		if r.err != nil {
			t.Errorf("%s: %s", src, trace(r.err))
		}
		return r.all()
	}
	if got := ask("var a, b int\nfmt.Scan(&a)\nfmt.Scan(&b)\nfmt.Println(a * b)", "6", "7"); got != "stdout:42\n" {
		t.Errorf("got %q", got)
	}
	if got := ask("sc := bufio.NewScanner(os.Stdin)\nfor range 2 { sc.Scan(); fmt.Println(sc.Text()) }", "one two", "three"); got != "stdout:one two\nthree\n" {
		t.Errorf("got %q", got)
	}
	if got := ask("!read x; echo got $x", "it"); got != "stdout:got it\n" {
		t.Errorf("got %q", got)
	}
	if got := ask("name, err := display.Input(\"name? \")\nfmt.Println(name, err)", "Ann"); got != "stdout:Ann <nil>\n" {
		t.Errorf("got %q", got)
	}
	r := &record{answers: []string{}}
	done := make(chan struct{})
	go func() { n.runIn(context.Background(), "fmt.Scan(&a)", r); close(done) }()
	r.until(t, "asked")
	n.Interrupt()
	<-done
	r.failed(t, "Interrupted", "interrupted")
	if text := trace(r.err); strings.Contains(text, "abandoned") {
		t.Errorf("got %s", text)
	}
	if got := ask("fmt.Scan(&a)\nfmt.Println(a)", "8"); got != "stdout:8\n" {
		t.Errorf("after the interrupt: %q", got)
	}
	if got := n.ok("var s string\n_, err = fmt.Scan(&s)\nerr"); got != "result:EOF" { // nobody there
		t.Errorf("got %q", got)
	}
}

func TestDeath(t *testing.T) {
	n := newSession(t)
	for _, c := range []struct{ name, src, want string }{
		{"exit", "syscall.Exit(3)", "os.Exit(3)"},
		{"killed", "syscall.Kill(os.Getpid(), syscall.SIGKILL)\ntime.Sleep(time.Second)", "killed"},
		{"fatal", "m := map[int]int{}\nvar wg sync.WaitGroup\nfor g := range 8 {\n wg.Go(func() { for i := range 10000000 { m[i%100] = g } })\n}\nwg.Wait()", "concurrent map"},
		{"overflow", "var f func(int) int\nf = func(n int) int { return f(n+1) + 1 }\nf(0)", "stack overflow"},
		{"library goroutine", "time.AfterFunc(0, func() { panic(\"late\") })\ntime.Sleep(time.Second)", "panic in a goroutine of a library: late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name != "exit" {
				e2e(t)
			}
			r := n.run(c.src)
			r.failed(t, "SessionLost", c.want, "A new one has been started.")
			if got := n.ok("fmt.Println(\"alive\")"); got != "stdout:alive\n" {
				t.Errorf("got %q", got)
			}
		})
	}
	t.Run("between cells", func(t *testing.T) {
		p, err := n.process(n.idle())
		if err != nil {
			t.Fatal(err)
		}
		syscall.Kill(p.PID(), syscall.SIGKILL)
		<-p.Exited()
		if got := n.ok("fmt.Println(\"alive\")"); !strings.Contains(got, "session ended") || !strings.HasSuffix(got, "stdout:alive\n") {
			t.Errorf("got %q", got)
		}
	})
}

// interrupt runs a cell and interrupts it when it has printed "go".
func (n *testBook) interrupt(src string, more ...time.Duration) *record {
	n.t.Helper()
	r := &record{}
	done := make(chan struct{})
	go func() { n.runIn(context.Background(), "fmt.Println(\"go\")\n"+src, r); close(done) }()
	r.until(n.t, "go\n")
	n.Interrupt()
	for _, d := range more {
		select {
		case <-time.After(d):
			n.Interrupt()
		case <-done:
		}
	}
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		n.t.Fatalf("not stopped: %s", src)
	}
	return r
}

// interruptShown interrupts a cell that shows a value forever.
func (n *testBook) interruptShown(src string) *record {
	n.t.Helper()
	r := &record{}
	done := make(chan struct{})
	go func() { n.runIn(context.Background(), "%echo\n"+src, r); close(done) }()
	r.until(n.t, "end")
	for tick := time.Tick(1500 * time.Millisecond); ; {
		select {
		case <-done:
			return r
		case <-tick: // repeat, in case it was still being built
			n.Interrupt()
		}
	}
}

func TestInterrupt(t *testing.T) {
	n := newSession(t)
	n.ok("fmt.Println()")
	for i, src := range []string{
		"for {}",
		"time.Sleep(time.Hour)",
		"<-make(chan int)",
		"make(chan int) <- 1",
		"select {}",
		"for range make(chan int) {}",
		"select { case <-make(chan int): }",
		"var f func(int) int\nf = func(n int) int { if n == 0 { return 0 }; return f(n-1) + f(n-1) }\nf(60)",
		"func() { defer func() { recover() }(); for {} }()\nfor {}",
		"go func() { for { } }()\nfor {}",
		"i := 0\nagain:\ni++\ngoto again",
		"func() {\nj := 0\nagain:\nif j++; j < 0 { return }\ngoto again\n}()",
	} {
		if i > 1 {
			e2e(t)
		}
		begin := time.Now()
		n.interrupt(src).failed(t, "Interrupted", "interrupted")
		if d := time.Since(begin); d > 900*time.Millisecond+time.Second {
			t.Errorf("%q: %v", src, d)
		}
		t.Logf("%q: %v", src, time.Since(begin))
	}
	t.Run("command", func(t *testing.T) {
		r := &record{}
		done := make(chan struct{})
		begin := time.Now()
		go func() { n.runIn(context.Background(), "!echo go; sleep 60 & sleep 60", r); close(done) }()
		r.until(t, "go")
		n.Interrupt()
		<-done
		r.failed(t, "Interrupted", "interrupted")
		if d := time.Since(begin); d > 10*time.Second {
			t.Errorf("it took %v", d)
		}
	})
	const stuck = "var once sync.Once\nonce.Do(func() { once.Do(func() {}) })"
	t.Run("abandoned", func(t *testing.T) {
		n.interrupt(stuck).failed(t, "Interrupted", "abandoned")
		if got := n.ok("fmt.Println(\"alive\")"); got != "stdout:alive\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("twice", func(t *testing.T) {
		n.ok("kept := 1")
		n.interrupt(stuck, 50*time.Millisecond, 200*time.Millisecond).failed(t, "Interrupted", "abandoned")
		if got := n.ok("kept"); got != "result:1" {
			t.Errorf("pressed twice: %q", got)
		}
		n.interrupt(stuck).failed(t, "Interrupted", "abandoned", "Interrupt again")
		p := n.super.Process()
		n.Interrupt()
		<-p.Exited()
		if got := n.ok("fmt.Println(\"alive\")"); !strings.Contains(got, "session ended: it was interrupted twice and did not stop") || !strings.HasSuffix(got, "stdout:alive\n") {
			t.Errorf("got %q", got)
		}
	})
}

// An interrupt also stops a cell that waits outside of its own code: variables stay and
// deferred functions run.
func TestInterruptWaits(t *testing.T) {
	e2e(t)
	h := fullHost(t, build.Mode(os.Getenv("GOPHERPOD_TEST_MODE")))
	s := New(Options{Host: h, Dir: t.TempDir(), Log: func(string) {}})
	t.Cleanup(func() { s.Close() })
	n := &testBook{Session: s, t: t}
	n.ok("left := 0\nleave := func() { left++ }\nl, err := net.Listen(\"tcp\", \"127.0.0.1:0\")\nvar mu sync.Mutex\nmu.Lock()\n" +
		"type guarded struct { sync.RWMutex; n int }\nvar g guarded\ng.Lock()\nvar wg sync.WaitGroup\nwg.Add(1)\ncond := sync.NewCond(&sync.Mutex{})\n" +
		"conn, err := net.Dial(\"tcp\", l.Addr().String())\n" +
		"free, err := net.Listen(\"tcp\", \"127.0.0.1:0\")\nl2addr := free.Addr().String()\nfree.Close()")
	for i, c := range []struct{ name, src string }{
		{"Mutex", "mu.Lock()"},
		{"RWMutex", "g.RLock()"},
		{"WaitGroup", "wg.Wait()"},
		{"Cond", "cond.L.Lock()\ndefer cond.L.Unlock()\nfor { cond.Wait() }"},
		{"connection", "_, err := io.ReadAll(conn)\nif err != nil { log.Fatal(err) }"},
		{"Accept", "for { if _, err := l.Accept(); err == nil { break } }\nl.Accept()"},
		{"http", "resp, err := http.Get(\"http://\" + l.Addr().String())\n_ = resp\nif err != nil { panic(err) }"},
		{"ListenAndServe", "err := http.ListenAndServe(l2addr, nil)\nif err != nil { log.Fatal(err) }"},
		{"Serve", "l2, _ := net.Listen(\"tcp\", l2addr)\nhttp.Serve(l2, nil)\nl3, err := net.Listen(\"tcp\", l2addr)\nif err != nil { panic(err) }\nl3.Close()"},
		{"free port", "l2, err := net.Listen(\"tcp\", l2addr)\nif err != nil { panic(err) }\ndefer l2.Close()\nfor { l2.Accept() }"},
		{"free port again", "l2, err := net.Listen(\"tcp\", l2addr)\nif err != nil { panic(err) }\ndefer l2.Close()\nl2.Accept()"},
		{"pipe", "r, w, _ := os.Pipe()\nr.Read(make([]byte, 1))\nw.Close()"},
		{"child", "exec.Command(\"sleep\", \"60\").Run()"},
		{"output of a child", "out, err := exec.Command(\"sh\", \"-c\", \"trap '' INT; sleep 61; sleep 62\").Output()\nprintln(len(out), err)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &record{}
			done := make(chan struct{})
			go func() {
				n.runIn(context.Background(), "fmt.Println(\"go\")\nfunc() {\ndefer leave()\n"+c.src+"\n}()", r)
				close(done)
			}()
			r.until(t, "go\n")
			time.Sleep(20 * time.Millisecond) // until it waits
			begin := time.Now()
			n.Interrupt()
			<-done
			took := time.Since(begin)
			r.failed(t, nameInterrupted, "interrupted")
			if text := trace(r.err); strings.Contains(text, "abandoned") || took > 900*time.Millisecond {
				t.Errorf("%v: %s", took, text)
			}
			t.Logf("%v", took)
			if got, want := n.ok("left"), fmt.Sprint("result:", i+1); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	t.Run("afterwards", func(t *testing.T) {
		// All of it works afterwards, even with variables that were redefined meanwhile.
		if got := n.ok("mu.Unlock()\nmu.Lock()\nmu.Unlock()\ng.Unlock()\ng.RLock()\ng.RUnlock()\nwg = sync.WaitGroup{}\nwg.Go(func() { time.Sleep(time.Millisecond) })\nwg.Wait()\n" +
			"go func() { for { c, err := l.Accept(); if err != nil { return }; c.Write([]byte(\"hi\")); c.Close() } }()\nc2, err := net.Dial(\"tcp\", l.Addr().String())\nb, err := io.ReadAll(c2)\nfmt.Println(string(b), err)"); got != "stdout:hi <nil>\n" {
			t.Errorf("got %q", got)
		}
	})
}

// A variable, a field or a method without arguments is shown without compiling.
func TestShortcuts(t *testing.T) {
	n := newSession(t)
	n.ok("type T struct{ X int; D time.Duration; s *strings.Builder }\nfunc (t T) Get() int { return t.X }\nv := T{3, time.Second, new(strings.Builder)}\n" +
		"d := time.Minute\nvar b strings.Builder\nb.WriteString(\"text\")\nvar none *mat.Dense\nm := mat.NewDense(2, 3, nil)\nvar wg sync.WaitGroup")
	builds := n.book.Builds()
	for src, want := range map[string]string{"v.X": "result:3", "d": "result:1m0s", "d.Seconds()": "result:60", "b.String()": "result:text", "v.D.Minutes()": "result:0.016666666666666666",
		"b.Len()": "result:4", " d.String() ": "result:1m0s"} {
		if got := n.ok(src); got != want {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
	n.run("none.IsEmpty()").failed(t, namePanic, "")
	if n.book.Builds() != builds {
		t.Errorf("%d things were compiled", n.book.Builds()-builds)
	}
	// Names that the notebook may have redefined, and what shows nothing or an error, are
	// compiled.
	for src, want := range map[string]string{"v.Get()": "result:3", "b.Reset()": "", "wg.Wait()": ""} {
		if got := n.ok(src); got != want {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
	n.ok("func (t T) Get() int { return t.X * 2 }")
	if got := n.ok("v.Get()"); got != "result:6" {
		t.Errorf("got %q", got)
	}
}
