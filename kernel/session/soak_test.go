package session

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel/build"
)

// soakCells is how many cells the soak test runs if GOPHERPOD_SOAK is not set; 2000
// take about five minutes.
const soakCells = 250

// TestSoak runs many cells of random kinds, with interrupts and crashes among them. It
// checks that their output arrives complete and in order, and that nothing leaks: files
// in the build folder, goroutines, open files, child processes or memory.
func TestSoak(t *testing.T) {
	e2e(t)
	cells, _ := strconv.Atoi(os.Getenv("GOPHERPOD_SOAK"))
	if cells == 0 {
		cells = soakCells
	}
	n := newSession(t)
	n.o.Log = func(string) {}
	s := &soak{testBook: n, rnd: rand.New(rand.NewPCG(1, 2))}
	n.ok("total := 0")
	goroutines, files := runtime.NumGoroutine(), openFiles(t, os.Getpid())
	for i := range cells {
		s.cell(i)
		if s.since == 0 || n.n == s.since+20 { // the first cells fill caches
			s.memory, s.files, s.since = n.rss(), openFiles(t, n.pid()), n.n
		}
	}
	n.ok("fmt.Println(\"end\")")
	s.weigh()
	t.Logf("%d cells, %d interrupts, %d deaths; the longest life grew by %d KB in %d cells", n.n, s.interrupts, s.lost, s.longest[0], s.longest[1])
	if left, err := os.ReadDir(n.book.Work()); err != nil || len(left) > 5 {
		t.Errorf("%d files in the build folder, %v", len(left), err)
	}
	// What an Execute started ends soon after it.
	eventually(t, "goroutines", func() (int, bool) { g := runtime.NumGoroutine(); return g, g <= goroutines+5 })
	eventually(t, "open files of the kernel", func() (int, bool) { f := openFiles(t, os.Getpid()); return f, f <= files+5 })
	eventually(t, "open files of the session", func() (int, bool) { f := openFiles(t, n.pid()); return f, f <= s.files+5 })
	eventually(t, "processes", func() (int, bool) { c := children(t, os.Getpid()); return c, c <= 1 })
	eventually(t, "processes of the session", func() (int, bool) { c := children(t, n.pid()); return c, c == 0 })
}

// A soak is a notebook with the state it is expected to have.
type soak struct {
	*testBook
	rnd              *rand.Rand
	total            int
	lost, interrupts int
	since            int // the cell after which memory and files were counted
	memory, files    int
	longest          [2]int // of the lives of the session process, the growth in KB and the cells
}

// weigh checks the memory of a session process before it ends.
func (s *soak) weigh() {
	grown, cells := s.rss()-s.memory, s.n-s.since
	if cells > s.longest[1] {
		s.longest = [2]int{grown, cells}
	}
	each := 100 // KB per cell in fast mode
	if os.Getenv("GOPHERPOD_TEST_MODE") == string(build.Classic) {
		each = 3500 // one plugin per cell: the limit of 20 MB over 200 cells is for fast mode
	}
	if grown > 30<<10+cells*each {
		s.t.Errorf("the session process grew by %d KB in %d cells", grown, cells)
	}
}

// cell runs one cell, or two that belong together.
func (s *soak) cell(i int) {
	t := s.t
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("cell %d: got %q, want %q", s.n, got, want)
		}
	}
	stopped := func(src string) {
		t.Helper()
		s.interrupts++
		s.interrupt(src).failed(t, nameInterrupted, "")
	}
	switch k := s.rnd.IntN(100); {
	case k < 36:
		s.total += i
		want(s.ok(fmt.Sprintf("total += %d\ntotal", i)), fmt.Sprint("result:", s.total))
	case k < 54:
		s.ok(fmt.Sprintf("type T%d struct{ a, b int }\nfunc (t T%[1]d) sum() int { return t.a + t.b }\nv%[1]d := T%[1]d{%[1]d, 2}", i))
		want(s.ok(fmt.Sprintf("v%d.sum()", i)), fmt.Sprint("result:", i+2))
	case k < 60:
		var all strings.Builder
		for j := range 2000 {
			fmt.Fprintln(&all, j, "⊕")
		}
		want(s.ok("for i := range 2000 { fmt.Println(i, \"⊕\") }"), "stdout:"+all.String())
	case k < 65:
		var all []string
		for j := range 20 {
			all = append(all, fmt.Sprintf("stdout:%d\n", j), fmt.Sprintf("display false map[text/html:%d text/plain:%[1]d]", j))
		}
		want(s.ok("for i := range 20 { fmt.Println(i); display.HTML(fmt.Sprint(i)) }"), strings.Join(all, separator))
	case k < 69:
		want(s.ok(fmt.Sprintf("big := make([]int, %d)\nbig[len(big)-1] = 7\nlen(big)", 1000+i)), fmt.Sprint("result:", 1000+i))
	case k < 73:
		want(s.ok("done := make(chan int)\nfor i := range 4 { go func() { done <- i }() }\nsum := 0\nfor range 4 { sum += <-done }\nsum"), "result:6")
	case k < 79:
		s.run("func bad( {").failed(t, nameCompile, "")
	case k < 85:
		s.run("var none []int\nnone[len(os.Args)+5]++").failed(t, namePanic, "index out of range")
	case k < 87:
		stopped("for {}")
	case k < 89:
		stopped("time.Sleep(time.Hour)")
	case k < 91:
		stopped("var mu sync.Mutex\nmu.Lock()\nmu.Lock()")
	case k < 92:
		stopped("defer fmt.Println(\"deferred\")\n<-make(chan int)")
	case k < 95:
		want(s.ok("!echo x"), "stdout:x\n")
	case k < 98:
		s.ok("%who total")
	default:
		s.weigh()
		s.run("syscall.Exit(1)").failed(t, nameLost, "os.Exit(1)") // os.Exit itself ends the cell alone
		s.ok("total := 0")
		s.total, s.since = 0, 0
		s.lost++
	}
}

// eventually waits for a number to fall.
func eventually(t *testing.T, what string, count func() (int, bool)) {
	t.Helper()
	for i := 0; ; i++ {
		n, ok := count()
		if ok {
			return
		}
		if i == 60 {
			t.Errorf("%d %s are left", n, what)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func openFiles(t *testing.T, pid int) int {
	t.Helper()
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// children counts the processes whose parent is pid.
func children(t *testing.T, pid int) (n int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Fatal("no processes", err)
	}
	for _, f := range stats {
		b, _ := os.ReadFile(f) // pid (name) state parent ...; the process may have exited
		_, rest, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			n++
		}
	}
	return n
}

// pid returns the process ID of the session process.
func (n *testBook) pid() int {
	p, err := n.process(n.idle())
	if err != nil {
		n.t.Fatal(err)
	}
	return p.PID()
}

// rss returns the resident memory of the session process in KB.
func (n *testBook) rss() (kb int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.pid()))
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			fmt.Sscan(rest, &kb)
		}
	}
	return kb
}

// idle returns an execution for requests to the process between cells.
func (n *testBook) idle() *execution { return &execution{ctx: n.t.Context(), out: &record{}} }
