package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// crashStart matches the beginning of the run-time's crash report.
var crashStart = regexp.MustCompile(`(?m)^(fatal error: |panic: |runtime: |SIG[A-Z]+: |unexpected fault address)`)

// crashWords are in every match of crashStart; searching for them is much faster than
// matching the expression.
var crashWords = [][]byte{[]byte("fatal error: "), []byte("panic: "), []byte("runtime: "), []byte("SIG"), []byte("unexpected fault")}

func findCrash(b []byte) []int {
	for _, w := range crashWords {
		if bytes.Contains(b, w) {
			return crashStart.FindIndex(b)
		}
	}
	return nil
}

// Text that looks like the beginning of a crash is held back. After crashPatience, in
// which a crashing process stops all its threads, we ask the process whether it is
// alive: if it answers, the text was the user's. A crashing process may need a second to
// walk a stack that has overflowed; after fatalPatience the text is shown in any case.
const (
	crashPatience = 100 * time.Millisecond
	fatalPatience = 5 * time.Second
)

// maxCrash bounds what is held back, in bytes.
const maxCrash = 256 << 10

// A crashFilter keeps the report of a dying process out of the cell's output; the cell
// shows one line instead.
type crashFilter struct {
	out func([]byte)
	// alive waits for the process to answer, and reports whether it did so in time.
	alive func(time.Duration) bool

	mu    sync.Mutex
	held  []byte
	timer *time.Timer // nil if nothing is kept back
	holds int         // how often something was held back
}

func (f *crashFilter) text(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer == nil {
		at := findCrash(b)
		if at == nil {
			f.out(b)
			return
		}
		if at[0] > 0 {
			f.out(b[:at[0]])
		}
		b = b[at[0]:]
		f.holds++
		n := f.holds
		f.timer = time.AfterFunc(crashPatience, func() { f.ask(n) })
	}
	f.held = append(f.held, b...)
	if len(f.held) > maxCrash { // no report is that long
		f.flushLocked()
	}
}

// ask shows what was held back for the n-th time if the process is alive.
func (f *crashFilter) ask(n int) {
	alive := f.alive(fatalPatience)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.timer == nil || f.holds != n: // it was already shown, or is the crash
	case alive:
		f.flushLocked()
	default:
		f.timer = time.AfterFunc(fatalPatience, f.flush)
	}
}

// flush shows what was held back, because it was not a crash.
func (f *crashFilter) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushLocked()
}

func (f *crashFilter) flushLocked() {
	if f.timer == nil {
		return
	}
	f.timer.Stop()
	f.timer = nil
	f.out(bytes.Clone(f.held))
	f.held = nil
}

// crash returns the report of the process, which has ended. What the cell wrote before it and
// only looked like the beginning of one is shown.
func (f *crashFilter) crash() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer == nil {
		return ""
	}
	f.timer.Stop()
	f.timer = nil
	at := reportStart(f.held)
	if at > 0 {
		f.out(bytes.Clone(f.held[:at]))
	}
	return string(f.held[at:])
}

// stacks matches what follows the first lines of a report.
var stacks = regexp.MustCompile(`(?m)^(goroutine \d+ .*\[|runtime stack:|goroutine running on other thread|PC=)`)

// more matches the lines of a report that may come before its last beginning.
var more = regexp.MustCompile(`^(runtime: |SIG[A-Z]+: |\[signal |\tpanic: |panic: .*\[recovered|fatal error: |unexpected fault address)`)

// reportStart returns where the report of a crash begins in b: at the last beginning that
// stacks follow, or the lines of the run-time just before it. Without stacks it is 0.
func reportStart(b []byte) int {
	at := 0
	for _, m := range crashStart.FindAllIndex(b, -1) {
		if stacks.Match(b[m[0]:]) {
			at = m[0]
		}
	}
	for at > 0 {
		before := bytes.LastIndexByte(b[:at-1], '\n') + 1
		if !more.Match(b[before:at]) {
			break
		}
		at = before
	}
	return at
}

// reason returns one line that says why a session process ended.
func reason(st *os.ProcessState, crash string, err error) string {
	line := func(prefix string) string {
		for l := range strings.Lines(crash) {
			if rest, ok := strings.CutPrefix(l, prefix); ok {
				return strings.TrimSpace(rest)
			}
		}
		return ""
	}
	switch {
	case strings.Contains(crash, "out of memory"), strings.Contains(crash, "cannot allocate memory"):
		return OutOfMemory + ": the run-time could get no more"
	case strings.Contains(crash, "goroutine stack exceeds"):
		return "stack overflow (goroutine stack exceeds 128 MB)"
	case line("fatal error: ") != "":
		return "fatal error: " + line("fatal error: ")
	case line("panic: ") != "":
		return "panic in a goroutine of a library: " + line("panic: ")
	case strings.HasPrefix(crash, "SIG"):
		return crash[:max(strings.IndexByte(crash, '\n'), 0)]
	case st == nil:
		return fmt.Sprint(err)
	}
	ws, ok := st.Sys().(syscall.WaitStatus)
	switch {
	case ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL:
		return killed(memory(st))
	case ok && ws.Signaled():
		return "signal: " + ws.Signal().String()
	case st.ExitCode() == 0:
		return "the program ended (os.Exit(0))"
	}
	return fmt.Sprintf("the program ended (os.Exit(%d), or log.Fatal)", st.ExitCode())
}

// OutOfMemory begins the reason of a session process that ran out of memory.
const OutOfMemory = "memory ran out"

// killed returns the reason for a process that got SIGKILL: when memory runs out, the
// system sends it to the process that uses the most.
func killed(used, all uint64) string {
	switch {
	case all > 0 && used >= all/2:
		return fmt.Sprintf("%s: the session had %.1f GB of this machine's %.1f", OutOfMemory, float64(used)/1e9, float64(all)/1e9)
	case all > 0 && used < all/10:
		return fmt.Sprintf("it was killed by hand or by another program; it had %.1f GB of this machine's %.1f", float64(used)/1e9, float64(all)/1e9)
	}
	return "it was killed, by hand or because memory ran out"
}
