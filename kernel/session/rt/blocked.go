package rt

import (
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// A goroutine that waits for the network, a pipe or a child process waits inside the
// run-time or the system, which contain no checks. The run-time's own report of all
// goroutines says which cell it belongs to and what it waits for.
//
//	goroutine 34 [IO wait, labels:{"cell": "3"}]:
//	internal/poll.runtime_pollWait(0x7f2c84b7c4c0, 0x72)
//
//	goroutine 35 [syscall, labels:{"cell": "3"}]:
//	syscall.Syscall6(0xf7, 0x3, 0x8, 0xc0000a3a58, 0x4, 0xc0000b8000, 0x0)
//	...
//	os.(*Process).pidfdWait(0xc00010c000)
//
// Since Go 1.27 the labels come after the brackets: [IO wait] {cell: 3}, and are quoted
// only if they need to be.
var (
	cellLabel = regexp.MustCompile(`[{ ]"?` + idKey + `"?: "?(\d+)"?[,}]`)

	pollWait = regexp.MustCompile(`(?m)^internal/poll\.runtime_pollWait\(0x([0-9a-f]+)\??, 0x(72|77)\??\)`)
	waitID   = regexp.MustCompile(`(?m)^syscall\.Syscall6\(0x([0-9a-f]+)\??, 0x([13])\??, 0x([0-9a-f]+)\??`)
)

// Kinds of waitid(2).
const (
	idPid   = 1
	idPidFD = 3
)

// sysPidfdSendSignal is the same on all architectures.
const sysPidfdSendSignal = 424

// maxReport bounds the report of all goroutines, in bytes.
const maxReport = 16 << 20

var reportMu sync.Mutex

// Unblock ends the waits of an interrupted cell's goroutines that are outside its own
// code: reads, writes and new connections time out until Restore, its listeners are closed
// (see listen.go), and child processes that the cell waits for are interrupted or killed. It
// reports whether it found anything. A deadline that the user had set is lost.
func (c *Cell) Unblock(kill bool) bool {
	if !lm.Quick || !c.stopped.Load() {
		return false
	}
	sig := syscall.SIGINT
	if kill {
		sig = syscall.SIGKILL
	}
	found := false
	for _, g := range strings.Split(report(), "\n\n") {
		head, frames, _ := strings.Cut(g, "\n")
		if labelIn(head) != c.ID {
			continue
		}
		if m := pollWait.FindStringSubmatch(frames); m != nil {
			pd, err := strconv.ParseUint(m[1], 16, 64)
			if err == nil {
				found = true
				c.unblocked.Store(true) // before the cell can continue
				if !c.endsListener(frames, uintptr(pd)) {
					c.deadline(uintptr(pd))
				}
			}
		}
		if m := waitID.FindStringSubmatch(frames); m != nil && strings.Contains(frames, "os.(*Process)") {
			trap, _ := strconv.ParseUint(m[1], 16, 64)
			id, err := strconv.ParseUint(m[3], 16, 31)
			if err == nil && trap == syscall.SYS_WAITID {
				found = true
				c.unblocked.Store(true)
				signal(m[2], int(id), sig)
			}
		}
	}
	return found
}

// labelIn returns the execution that the first line of a goroutine's report names, or 0.
func labelIn(head string) int {
	m := cellLabel.FindStringSubmatch(head)
	if m == nil {
		return 0
	}
	id, _ := strconv.Atoi(m[1])
	return id
}

// deadline makes everything that waits for a file or connection time out.
func (c *Cell) deadline(pd uintptr) {
	cellsMu.Lock()
	c.expired = append(c.expired, pd)
	cellsMu.Unlock()
	lm.PollSetDeadline(pd, -1, 'r'+'w')
}

// Restore removes the deadlines that Unblock set, for code that keeps using what it
// reads from.
func (c *Cell) Restore() {
	cellsMu.Lock()
	list := c.expired
	c.expired = nil
	cellsMu.Unlock()
	for _, pd := range list {
		lm.PollSetDeadline(pd, 0, 'r'+'w')
	}
}

func signal(kind string, id int, sig syscall.Signal) {
	if kind == strconv.Itoa(idPid) {
		syscall.Kill(id, sig)
		return
	}
	syscall.Syscall6(sysPidfdSendSignal, uintptr(id), uintptr(sig), 0, 0, 0, 0)
}

// report returns the stacks of all goroutines with their labels, which the run-time
// adds only if GODEBUG says so.
func report() string {
	reportMu.Lock()
	defer reportMu.Unlock()
	old, had := os.LookupEnv("GODEBUG")
	os.Setenv("GODEBUG", strings.TrimPrefix(old+",tracebacklabels=1", ","))
	defer func() {
		if had {
			os.Setenv("GODEBUG", old)
		} else {
			os.Unsetenv("GODEBUG")
		}
	}()
	for size := 64 << 10; ; size *= 4 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size || size >= maxReport {
			return string(b[:n])
		}
	}
}
