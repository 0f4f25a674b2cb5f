package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
)

// TestSoak runs many cells of random kinds with interrupts and crashes among
// them: GOPHERPOD_SOAK says how many, 150 without it.
func TestSoak(t *testing.T) {
	e2e(t)
	cells, _ := strconv.Atoi(os.Getenv("GOPHERPOD_SOAK"))
	if cells == 0 {
		cells = 150
	}
	n := newSession(t)
	n.o.Log = func(string) {}
	rnd := rand.New(rand.NewPCG(1, 2))
	n.ok("total := 0")
	total, lost := 0, 0
	var before, grown int
	for i := range cells {
		switch k := rnd.IntN(100); {
		case k < 40:
			total += i
			if got, want := n.ok(fmt.Sprintf("total += %d\ntotal", i)), fmt.Sprint("result:", total); got != want {
				t.Fatalf("cell %d: got %q, want %q", n.n, got, want)
			}
		case k < 60:
			n.ok(fmt.Sprintf("type T%d struct{ a, b int }\nfunc (t T%[1]d) sum() int { return t.a + t.b }\nv%[1]d := T%[1]d{%[1]d, 2}", i))
			if got, want := n.ok(fmt.Sprintf("v%d.sum()", i)), fmt.Sprint("result:", i+2); got != want {
				t.Fatalf("cell %d: got %q, want %q", n.n, got, want)
			}
		case k < 70:
			if got := n.ok("for i := range 2000 { fmt.Println(i) }"); strings.Count(got, "\n") != 2000 {
				t.Fatalf("cell %d: %d lines", n.n, strings.Count(got, "\n"))
			}
		case k < 80:
			n.run("func bad( {").failed(t, nameCompile, "")
		case k < 88:
			n.run("var none []int\nnone[len(os.Args)+5]++").failed(t, namePanic, "index out of range")
		case k < 94:
			n.interrupt("for {}").failed(t, nameInterrupted, "")
		case k < 97:
			n.ok("!echo x")
		case k < 99:
			n.ok("%who total")
		default:
			n.run("os.Exit(1)").failed(t, nameLost, "os.Exit(1)")
			n.ok("total := 0")
			total = 0
			lost++
			before = 0
		}
		if before == 0 {
			before, grown = n.rss(), n.n
		}
	}
	t.Logf("%d cells, %d deaths; the session process grew by %d KB over the last %d cells", n.n, lost, n.rss()-before, n.n-grown)
	if files, err := os.ReadDir(n.work); err != nil || len(files) > 5 {
		t.Errorf("%d files in the build folder, %v", len(files), err)
	}
	// What an Execute started ends with it, soon.
	for i := 0; ; i++ {
		if g := runtime.NumGoroutine(); g < 30 {
			break
		} else if i == 20 {
			t.Errorf("%d goroutines are left", g)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := n.Execute(context.Background(), kernel.Cell{Source: "fmt.Println(\"end\")", Count: n.n + 1}, &record{}); err != nil {
		t.Error(err)
	}
}

// rss is the resident memory of the session process in KB.
func (n *notebook) rss() (kb int) {
	p, err := n.process(&record{})
	if err != nil {
		n.t.Fatal(err)
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			fmt.Sscan(rest, &kb)
		}
	}
	return kb
}
