package host

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/rt"
)

// How long an interrupted execution may take to stop before it is reported as
// over and its goroutine abandoned. A magic may have to cancel a remote job.
const (
	cellPatience  = time.Second
	magicPatience = 8 * time.Second
)

// When to unblock an interrupted cell that waits for something outside of its code.
// Child processes that still run after killAfter rounds are killed.
const (
	unblockFirst = 10 * time.Millisecond
	unblockEvery = 100 * time.Millisecond
	killAfter    = 3
)

// An execution is a running cell or magic.
type execution struct {
	cell     *rt.Cell
	patience time.Duration
	load     rt.LoadTime
	start    time.Time
	once     sync.Once     // guards the done event
	again    chan struct{} // closed by a second interrupt; nil for a cell
	cut      bool          // interrupted; guarded by host.mu
	held     atomic.Bool   // interrupted, and not to be abandoned before a second interrupt
	library  *rt.Library   // the library being loaded; nil for other executions
	over     func(ok bool) // called when it is done or abandoned; may be nil
}

// forgetEvery is the number of cells after which those without goroutines are
// forgotten.
const forgetEvery = 100

// run loads a compiled cell and starts it; without a file it calls a method.
func (h *host) run(c frame.Command) {
	if c.File == "" {
		h.call(c)
		return
	}
	if c.ID%forgetEvery == 0 {
		rt.Forget()
	}
	f, lt, err := rt.Load(c.File, c.Entry)
	if err != nil {
		h.out.sendOrdered(frame.Event{Op: frame.Done, ID: c.ID, Failure: &frame.Failure{Kind: frame.FailedLoad, Text: err.Error()}})
		return
	}
	h.start(c, &execution{patience: cellPatience, load: lt}, func(context.Context) error {
		f()
		return nil
	})
}

func (h *host) start(c frame.Command, e *execution, f func(context.Context) error) {
	h.out.sendOrdered(frame.Event{Op: frame.Started, ID: c.ID})
	e.start = time.Now()
	e.cell = rt.Start(c.ID, c.Count, f)
	h.mu.Lock()
	h.running[c.ID] = e
	h.mu.Unlock()
	if c.Op == frame.Run && !c.Timers {
		go h.watch(c.ID, e)
	}
	go func() {
		select {
		case <-e.cell.Done():
		case <-e.cell.Exits(): // another goroutine exited: stop the cell's own, too
			go func() {
				if h.unblock(e) {
					h.abandon(e)
				}
			}()
			<-e.cell.Done()
		}
		h.finish(e, failure(e.cell.Failure()))
		h.mu.Lock()
		delete(h.running, c.ID)
		h.mu.Unlock()
	}()
}

// deadlockAfter is how long a cell runs before the first check for a deadlock. Two
// checks in a row must agree; the interval doubles after each, up to a minute.
const deadlockAfter = 2 * time.Second

// watch reports a deadlock in the cell. It does not stop the cell: the variables may
// be expensive to recompute, and the user can interrupt.
func (h *host) watch(id int, e *execution) {
	before := ""
	for wait := deadlockAfter; ; wait = min(2*wait, time.Minute) {
		select {
		case <-e.cell.Done():
			return
		case <-time.After(wait):
		}
		where := strings.Join(rt.Deadlock(), ", ")
		if where != "" && where == before {
			h.out.send(frame.Event{Op: frame.Stream, ID: id, Name: "stderr",
				Text: "deadlock: all goroutines of the notebook wait for each other (" + where + "); interrupt the cell to go on, nothing is lost\n"})
			return
		}
		before = where
	}
}

func (h *host) finish(e *execution, f *frame.Failure) {
	e.once.Do(func() {
		rt.Flush()
		if e.over != nil {
			e.over(f == nil)
		}
		dir, _ := os.Getwd() // a later process starts there
		at := ""
		if e.library != nil && f != nil {
			at = e.library.Package()
		}
		h.out.sendOrdered(frame.Event{Op: frame.Done, ID: e.cell.ID, Failure: f, Name: dir, Text: at, Env: h.env.next(),
			Micros: [3]int64{e.load.Map.Microseconds(), e.load.Init.Microseconds(), time.Since(e.start).Microseconds()}})
	})
}

// interrupt stops an execution and abandons one that cannot be stopped.
func (h *host) interrupt(id int) {
	h.mu.Lock()
	if id == 0 && h.stopShown != nil {
		close(h.stopShown)
		h.stopShown = nil
	}
	e := h.running[id]
	if e == nil {
		h.mu.Unlock()
		return
	}
	second, again := e.cut, e.again
	e.cut = true
	h.mu.Unlock()
	if second { // the third kills the process
		if e.again != nil {
			close(e.again)
			e.again = nil
		}
		return
	}
	e.cell.Interrupt()
	go func() {
		if !h.unblock(e) {
			return
		}
		if e.held.Load() {
			select {
			case <-e.cell.Done():
				return
			case <-again:
			}
			select {
			case <-e.cell.Done():
				return
			case <-time.After(e.patience):
			}
		}
		h.abandon(e)
	}()
}

// abandon reports an execution that did not stop as over.
func (h *host) abandon(e *execution) {
	e.cell.HangUp()
	h.finish(e, &frame.Failure{Kind: frame.FailedAbandoned})
}

// unblock aborts what an interrupted execution waits for outside of its code, unless the
// execution is held. It reports whether the execution has not stopped after its patience.
func (h *host) unblock(e *execution) (late bool) {
	defer e.cell.Restore()
	over := time.After(e.patience)
	for i, wait := 0, unblockFirst; ; i, wait = i+1, unblockEvery {
		select {
		case <-e.cell.Done():
			return false
		case <-over:
			return true
		case <-time.After(wait):
			if e.held.Load() {
				return true
			}
			e.cell.Unblock(i >= killAfter)
		}
	}
}

// failure converts a failure for the kernel.
func failure(f *rt.Failure) *frame.Failure {
	if f == nil {
		return nil
	}
	out := &frame.Failure{Kind: frame.FailedPanic, Text: f.Value, Omitted: f.Omitted}
	for _, fr := range f.Frames {
		out.Frames = append(out.Frames, frame.Frame{Func: fr.Func, File: fr.File, Line: fr.Line})
	}
	var usage *magic.UsageError
	switch {
	case f.Exited != nil:
		out.Kind, out.Code, out.Text = frame.FailedExited, f.Exited.Code, f.Exited.Text
	case f.Interrupted || errors.As(f.Err, new(rt.Interrupted)):
		out.Kind = frame.FailedInterrupted
	case f.Exit:
		out.Kind = frame.FailedExit
	case errors.As(f.Err, &usage):
		out.Kind, out.Text = frame.FailedUsage, usage.Msg
	case f.Err != nil:
		out.Kind, out.Text = frame.FailedError, f.Err.Error()
	}
	return out
}
