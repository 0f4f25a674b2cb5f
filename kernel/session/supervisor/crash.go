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

// crashStart is how the run-time begins to tell of its end.
var crashStart = regexp.MustCompile(`(?m)^(fatal error: |panic: |runtime: |SIG[A-Z]+: |unexpected fault address)`)

// crashWords are in every match of crashStart; looking for them is faster than the
// expression by far.
var crashWords = [][]byte{[]byte("fatal error: "), []byte("panic: "), []byte("runtime: "), []byte("SIG"), []byte("unexpected fault")}

func findCrash(b []byte) []int {
	for _, w := range crashWords {
		if bytes.Contains(b, w) {
			return crashStart.FindIndex(b)
		}
	}
	return nil
}

// How long what looks like the beginning of a crash is kept back: if the process
// lives on, it was the user's text. The run-time takes a second to walk a stack
// that has overflowed. The end of a cell ends the waiting.
const (
	crashPatience = 300 * time.Millisecond
	fatalPatience = 5 * time.Second
)

// fatalStart is what hardly anybody prints.
var fatalStart = regexp.MustCompile(`^(fatal error: |runtime: goroutine stack exceeds|runtime: out of memory|runtime: cannot allocate)`)

// maxCrash bounds what is held back, in bytes.
const maxCrash = 256 << 10

// A crashFilter keeps the report that a dying process writes from the cell; it
// is shown in one line instead.
type crashFilter struct {
	out func([]byte)

	mu    sync.Mutex
	held  []byte
	timer *time.Timer
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
		patience := crashPatience
		if fatalStart.Match(b) {
			patience = fatalPatience
		}
		f.timer = time.AfterFunc(patience, f.flush)
	}
	f.held = append(f.held, b...)
	if len(f.held) > maxCrash { // no report is that long
		f.flushLocked()
	}
}

// flush shows what was held back: it was no crash.
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

// crash returns what was held back when the process ended.
func (f *crashFilter) crash() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer != nil {
		f.timer.Stop()
	}
	return string(f.held)
}

// reason says in one line why a session process ended.
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
		return "it was killed, by hand or because memory ran out"
	case ok && ws.Signaled():
		return "signal: " + ws.Signal().String()
	case st.ExitCode() == 0:
		return "the program ended (os.Exit(0))"
	}
	return fmt.Sprintf("the program ended (os.Exit(%d), or log.Fatal)", st.ExitCode())
}
