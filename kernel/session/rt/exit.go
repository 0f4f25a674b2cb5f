package rt

import (
	"fmt"
	"log"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"sync/atomic"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// os.Exit would end the process and lose all variables. In a session it ends the cell
// whose goroutine calls it: in the cell's own code Exit and Fatal replace it; in
// libraries, such as (*log.Logger).Fatal, a hook in the run-time's own list stops it.
// It is not a panic, which a deferred function could recover.

// An Exited is a call of os.Exit or log.Fatal.
type Exited struct {
	Code int
	Text string // what log.Fatal said
}

var leaving atomic.Bool

// CatchExits makes os.Exit end a cell instead of the process. The session process
// calls it once, before any cell runs.
func CatchExits() {
	lm.ExitHooks = append(lm.ExitHooks, lm.ExitHook{F: exitHook, RunOnFailure: true})
}

// Leave ends the process.
func Leave(code int) {
	leaving.Store(true)
	os.Exit(code)
}

// exitHook is called by os.Exit, which has removed it from the list and holds the list's
// lock until the goroutine leaves the hook. os.Exit continues until the list is empty.
func exitHook() {
	if leaving.Load() {
		return
	}
	lm.ExitHooks = append(lm.ExitHooks, lm.ExitHook{F: exitHook, RunOnFailure: true})
	exit(calledWith(), "")
	leaving.Store(true) // there is no cell yet: the program cannot run
}

var exitCall = regexp.MustCompile(`(?m)^os\.Exit\(0x([0-9a-f]+)`)

// calledWith reads the code from the stack, because the hook is not told the code.
func calledWith() int {
	b := make([]byte, 16<<10)
	if m := exitCall.FindSubmatch(b[:runtime.Stack(b, false)]); m != nil {
		if n, err := strconv.ParseUint(string(m[1]), 16, 64); err == nil {
			return int(n)
		}
	}
	return 1
}

// exit ends the caller's goroutine and its cell. It returns if no cell has
// run yet.
func exit(code int, text string) {
	c := Caller()
	if c == nil {
		return
	}
	c = c.root()
	if c.testing.Load() { // the test fails, see package session
		runtime.Goexit()
	}
	f := &Failure{Exited: &Exited{code, text}}
	f.Frames, f.Omitted = userFrames()
	select {
	case <-c.done: // a goroutine that outlived its cell
		sink().Panic(c, f)
	default:
		if c.exited.CompareAndSwap(nil, f) {
			close(c.exits)
		}
	}
	c.Interrupt() // the other goroutines of the cell
	runtime.Goexit()
}

// Testing records that the caller's cell runs tests: os.Exit ends only the goroutine
// of its test.
func Testing() {
	if c := Caller(); c != nil {
		c.root().testing.Store(true)
	}
}

// Exits is closed when a goroutine of the cell calls os.Exit.
func (c *Cell) Exits() <-chan struct{} { return c.exits }

// Exit replaces os.Exit. It calls Check first: a cell that is being interrupted usually
// exits because of an error that the interrupt has caused.
func Exit(code int) {
	Check()
	exit(code, "")
	os.Exit(code)
}

// Fatal replaces log.Fatal.
func Fatal(v ...any) { fatal(fmt.Sprint(v...)) }

// Fatalf replaces log.Fatalf.
func Fatalf(format string, v ...any) { fatal(fmt.Sprintf(format, v...)) }

// Fatalln replaces log.Fatalln.
func Fatalln(v ...any) { fatal(fmt.Sprintln(v...)) }

func fatal(text string) {
	Check()
	log.Output(3, text) // the caller of Fatal
	exit(1, text)
	os.Exit(1)
}
