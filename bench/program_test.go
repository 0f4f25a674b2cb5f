package bench

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

// A launched is a kernel in a process of its own, with a client.
type launched struct {
	*kerneltest.Client
	cmd     *exec.Cmd
	started time.Time
}

// program is the gopherpod that GOPHERPOD_BENCH_PROGRAM names, built from this
// source where it names none. Cells need an installation: gopherpod install.
func program(b testing.TB) string {
	b.Helper()
	if p := os.Getenv("GOPHERPOD_BENCH_PROGRAM"); p != "" {
		return p
	}
	p := filepath.Join(b.TempDir(), "gopherpod")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", p, "..").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return p
}

// launch starts a kernel as Jupyter does and connects to it as soon as it
// listens, which is looked for every half millisecond.
func launch(b testing.TB, program string) *launched {
	b.Helper()
	dir, err := os.MkdirTemp("", "gb")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	conn := kernel.ConnectionInfo{Transport: "ipc", IP: filepath.Join(dir, "s"), ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
		Key: rand.Text(), SignatureScheme: "hmac-sha256"}
	text, err := json.Marshal(conn)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "connection.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	l := &launched{cmd: exec.Command(program, "kernel", "-f", file)}
	l.cmd.Dir, l.cmd.Stderr = dir, os.Stderr
	l.started = time.Now()
	if err := l.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	network, address, err := conn.Address(conn.ShellPort) // opened last
	if err != nil {
		b.Fatal(err)
	}
	for {
		if c, err := net.Dial(network, address); err == nil {
			c.Close()
			break
		}
		if time.Since(l.started) > 20*time.Second {
			b.Fatal("the kernel does not listen")
		}
		time.Sleep(500 * time.Microsecond)
	}
	l.Client = kerneltest.Connect(b, conn)
	return l
}

func (l *launched) stop() {
	l.Request(kerneltest.Control, "shutdown_request", map[string]any{"restart": false})
	l.cmd.Wait()
	l.Close()
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds()) / 1000
}

// BenchmarkStart measures from the start of the kernel's process to its
// kernel_info_reply, and on to the end of the first cell.
func BenchmarkStart(b *testing.B) {
	p := program(b)
	var info, first []time.Duration
	for b.Loop() {
		k := launch(b, p)
		k.Request(kerneltest.Shell, "kernel_info_request", struct{}{})
		info = append(info, time.Since(k.started))
		r := k.Execute("import \"fmt\"\nfmt.Println(1)")
		if r.Reply.Content["status"] != "ok" {
			b.Fatalf("%v", r.Reply.Content)
		}
		first = append(first, time.Since(k.started))
		k.stop()
	}
	b.ReportMetric(median(info), "ms-kernel_info")
	b.ReportMetric(median(first), "ms-first-cell")
}

// must runs a cell that has to work.
func (l *launched) must(b testing.TB, src string) kerneltest.Result {
	b.Helper()
	r := l.Execute(src)
	if r.Reply.Content["status"] != "ok" {
		b.Fatalf("%s: %v", src, r.Reply.Content)
	}
	return r
}

// BenchmarkLines prints 1e5 lines: megabytes a second from execute_request to
// idle, and how many messages they come in. The lines have to be complete and in
// order.
func BenchmarkLines(b *testing.B) {
	p := program(b)
	const lines = 100_000
	var want strings.Builder
	for i := range lines {
		fmt.Fprintln(&want, "a line of some fifty bytes, wide ⊕, the number", i)
	}
	var rates []float64
	messages := 0
	for b.Loop() {
		k := launch(b, p)
		k.must(b, "import \"fmt\"\nfmt.Println(1)")
		start := time.Now()
		r := k.must(b, fmt.Sprintf("for i := range %d { fmt.Println(\"a line of some fifty bytes, wide ⊕, the number\", i) }", lines))
		rates = append(rates, float64(want.Len())/1e6/time.Since(start).Seconds())
		var got strings.Builder
		messages = 0
		for _, m := range r.Messages {
			if m.Type() == "stream" {
				messages++
				text, _ := m.Content["text"].(string)
				got.WriteString(text)
			}
		}
		if got.String() != want.String() {
			b.Fatalf("%d bytes came, want %d, or others", got.Len(), want.Len())
		}
		k.stop()
	}
	slices.Sort(rates)
	b.ReportMetric(rates[len(rates)/2], "MB/s")
	b.ReportMetric(float64(messages), "messages")
}

// BenchmarkDisplays shows 5,000 displays from a cell.
func BenchmarkDisplays(b *testing.B) {
	p := program(b)
	const n = 5000
	var rates []float64
	for b.Loop() {
		k := launch(b, p)
		k.must(b, "import \"fmt\"\nimport \"github.com/gopherpod/gopherpod/kernel/display\"\nfmt.Println(1)")
		start := time.Now()
		r := k.must(b, fmt.Sprintf("for i := range %d { display.HTML(fmt.Sprint(i)) }", n))
		rates = append(rates, n/time.Since(start).Seconds())
		next := 0
		for _, m := range r.Messages {
			if data, ok := m.Content["data"].(map[string]any); ok && m.Type() == "display_data" {
				if data["text/html"] != fmt.Sprint(next) {
					b.Fatalf("display %d is %v", next, data)
				}
				next++
			}
		}
		if next != n {
			b.Fatalf("%d displays", next)
		}
		k.stop()
	}
	slices.Sort(rates)
	b.ReportMetric(rates[len(rates)/2], "displays/s")
}

// BenchmarkMemory runs 1,000 new cells in one session and reports how much the
// kernel and its session process have grown after 200 and after 1,000 of them, in
// MB of resident memory.
func BenchmarkMemory(b *testing.B) {
	p := program(b)
	for b.Loop() {
		k := launch(b, p)
		cell := func(i int) {
			k.must(b, fmt.Sprintf("x%d := %[1]d\nfunc f%[1]d(n int) int { return n + x%[1]d }\nf%[1]d(1)", i))
		}
		for i := range 20 {
			cell(i)
		}
		start := resident(b, k.cmd.Process.Pid)
		for i := range 1000 {
			cell(20 + i)
			if i == 199 {
				b.ReportMetric(resident(b, k.cmd.Process.Pid)-start, "MB-200-cells")
			}
		}
		b.ReportMetric(resident(b, k.cmd.Process.Pid)-start, "MB-1000-cells")
		k.stop()
	}
}

// resident is the memory of a process and of those that it has started, in MB.
func resident(b testing.TB, pid int) (mb float64) {
	stats, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil || len(stats) == 0 {
		b.Skip("no /proc")
	}
	for _, f := range stats {
		text, _ := os.ReadFile(f)
		var id, parent, kb int
		for l := range strings.Lines(string(text)) {
			fmt.Sscanf(l, "Pid: %d", &id)
			fmt.Sscanf(l, "PPid: %d", &parent)
			fmt.Sscanf(l, "VmRSS: %d", &kb)
		}
		if id == pid || parent == pid {
			mb += float64(kb) / 1000
		}
	}
	return mb
}

// BenchmarkQuick runs cells that need no compiling.
func BenchmarkQuick(b *testing.B) {
	k := launch(b, program(b))
	k.must(b, "import \"time\"\nkept := 42\nd := time.Minute\ns := struct{ X int }{1}")
	for _, c := range []struct{ name, src string }{{"name", "kept"}, {"field", "s.X"}, {"method", "d.Seconds()"}, {"magic", "%env HOME"}} {
		b.Run(c.name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				start := time.Now()
				k.must(b, c.src)
				times = append(times, time.Since(start))
			}
			b.ReportMetric(median(times), "ms-median")
		})
	}
	k.stop()
}

// loop is what BenchmarkLoop compares a cell with: a function that the compiler
// must not leave out.
//
//go:noinline
func loop(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i & 3
	}
	return sum
}

// BenchmarkLoop times a loop of 10 million in a cell and in this program, the
// best of many runs each: the cell's loop can be interrupted.
func BenchmarkLoop(b *testing.B) {
	k := launch(b, program(b))
	k.must(b, `import ("fmt"; "time")
func loop(n int) (sum int) {
	for i := 0; i < n; i++ { sum += i & 3 }
	return sum
}
func total(xs []int) (sum int) {
	for _, x := range xs { sum += x & 3 }
	return sum
}
best := func(f func()) time.Duration {
	least := time.Hour
	for range 50 { start := time.Now(); f(); least = min(least, time.Since(start)) }
	return least
}
xs := make([]int, 10_000_000)`)
	times := func(src string) float64 {
		r := k.must(b, src)
		for _, m := range r.Messages {
			if m.Type() == "stream" {
				var us float64
				fmt.Sscan(m.Content["text"].(string), &us)
				return us
			}
		}
		b.Fatal("nothing printed")
		return 0
	}
	best := func(f func()) float64 {
		least := time.Hour
		for range 50 {
			start := time.Now()
			f()
			least = min(least, time.Since(start))
		}
		return float64(least.Nanoseconds()) / 1e6
	}
	xs := make([]int, 10_000_000)
	sum := 0
	for b.Loop() {
		b.ReportMetric(times("fmt.Println(float64(best(func() { loop(10_000_000) }).Nanoseconds())/1e6)"), "ms-cell")
		b.ReportMetric(best(func() { sum += loop(len(xs)) }), "ms-compiled")
		b.ReportMetric(times("fmt.Println(float64(best(func() { total(xs) }).Nanoseconds())/1e6)"), "ms-range-cell")
		b.ReportMetric(best(func() { sum += total(xs) }), "ms-range-compiled")
	}
	b.Logf("%d", sum)
	k.stop()
}

//go:noinline
func total(xs []int) (sum int) {
	for _, x := range xs {
		sum += x & 3
	}
	return sum
}

// BenchmarkInterrupt measures from interrupt_request to idle, the median for each
// kind of cell.
func BenchmarkInterrupt(b *testing.B) {
	k := launch(b, program(b))
	k.must(b, `import ("fmt"; "io"; "net"; "net/http"; "os/exec"; "sync"; "time")
l, _ := net.Listen("tcp", "127.0.0.1:0")
conn, _ := net.Dial("tcp", l.Addr().String())
var mu sync.Mutex
mu.Lock()
var wg sync.WaitGroup
wg.Add(1)
ch := make(chan int)
func fib(n int) int { if n < 2 { return n }; return fib(n-1) + fib(n-2) }
fmt.Println(1)`)
	for _, c := range []struct{ name, src string }{
		{"loop", "for {}"}, {"recursion", "fib(80)"}, {"receive", "<-ch"}, {"send", "ch <- 1"}, {"range", "for range ch {}"}, {"select", "select { case <-ch: }"},
		{"sleep", "time.Sleep(time.Hour)"}, {"mutex", "mu.Lock()"}, {"waitgroup", "wg.Wait()"}, {"read", "io.ReadAll(conn)"},
		{"http", "http.Get(\"http://\" + l.Addr().String())"}, {"child", "exec.Command(\"sleep\", \"60\").Run()"}, {"command", "!sleep 60"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				src := "fmt.Println(\"go\")\n" + c.src
				if c.name == "command" {
					src = "!echo go; sleep 60"
				}
				id := k.Start(kerneltest.Request{Code: src})
				k.Output(id, "stream")
				time.Sleep(30 * time.Millisecond) // until it waits
				start := time.Now()
				k.Send(kerneltest.Control, "interrupt_request", struct{}{})
				k.Idle(id)
				times = append(times, time.Since(start))
				if name := k.Reply(id).Content["ename"]; name != "Interrupted" {
					b.Fatalf("ended with %v", name)
				}
			}
			b.ReportMetric(median(times), "ms-median")
		})
	}
	k.stop()
}
