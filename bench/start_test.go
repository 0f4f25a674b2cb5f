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
