package rt

import (
	"context"
	"errors"
	"maps"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// Flag is not zero while a goroutine of an interrupted cell may still run. Loops
// and function entries in cells check it; everything else happens in Stop.
var Flag uint32

// Interrupted is the panic that stops the goroutines of an interrupted cell.
type Interrupted struct{}

func (Interrupted) Error() string { return "interrupted" }

// ErrExit is the error of a cell whose goroutine ended by runtime.Goexit.
var ErrExit = errors.New("runtime.Goexit called")

// A Cell is one execution of one cell, or of a magic. Goroutines belong to the
// cell whose goroutine started them.
type Cell struct {
	ID    int // of the execution, unique in the process
	Count int // the N of In[N]

	label   uintptr         // of its goroutines
	ctx     context.Context // keeps the label alive; done when interrupted
	cancel  context.CancelCauseFunc
	stopped atomic.Bool
	// unblocked reports whether Unblock ended something that the cell waited for.
	unblocked atomic.Bool
	earlier   map[listener]bool // that were open when the cell began
	hungUp    atomic.Bool       // see HangUp
	expired   []uintptr         // pollers whose deadlines Restore removes; guarded by cellsMu
	done      chan struct{}
	fail      *Failure // valid after done
	out       detached
	exits     chan struct{}           // closed by the first os.Exit
	exited    atomic.Pointer[Failure] // the failure of that os.Exit
	testing   atomic.Bool             // see Testing
	parent    *Cell                   // of an Aside, nil otherwise
}

// root returns the cell that c is an Aside of, or c.
func (c *Cell) root() *Cell {
	for c.parent != nil {
		c = c.parent
	}
	return c
}

// isStopped reports whether the cell, or the one that it is an Aside of, was
// interrupted.
func (c *Cell) isStopped() bool {
	return c.stopped.Load() || c.parent != nil && c.parent.isStopped()
}

// cells is copied for each change, so that the loop check reads it without a lock.
var (
	cells    atomic.Pointer[map[uintptr]*Cell]
	cellsMu  sync.Mutex
	current  atomic.Pointer[Cell] // the one that ran last: the kernel treats what the streams carry as its output
	watching bool                 // a janitor goroutine runs; guarded by cellsMu
)

// idKey is the profiling label that names the execution.
const idKey = "cell"

// Start runs f as execution id of cell count, in a goroutine of its own.
func Start(id, count int, f func(ctx context.Context) error) *Cell {
	c := &Cell{ID: id, Count: count, done: make(chan struct{}), exits: make(chan struct{})}
	if lm.Quick {
		c.earlier = listeners()
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	started := make(chan struct{})
	go pprof.Do(c.ctx, pprof.Labels(idKey, strconv.Itoa(c.ID)), func(ctx context.Context) {
		c.ctx, c.label = ctx, lm.Label()
		addCell(c)
		current.Store(c)
		close(started)
		c.run(ctx, f)
	})
	<-started
	return c
}

func (c *Cell) run(ctx context.Context, f func(context.Context) error) {
	returned := false
	defer func() {
		if !returned {
			c.fail = failure(recover())
		}
		if c.unblocked.Load() && (c.fail == nil || c.fail.Err == nil) {
			// What the cell did after its wait failed only follows from the interrupt.
			c.fail = &Failure{Interrupted: true}
		}
		if f := c.exited.Load(); f != nil {
			c.fail = f
		}
		if c.stopped.Load() {
			c.HangUp()
		}
		close(c.done)
	}()
	err := f(ctx)
	returned = true
	if err != nil {
		c.fail = &Failure{Err: err}
	}
}

func addCell(c *Cell) {
	cellsMu.Lock()
	defer cellsMu.Unlock()
	m := map[uintptr]*Cell{c.label: c}
	if old := cells.Load(); old != nil {
		maps.Copy(m, *old)
		m[c.label] = c
	}
	cells.Store(&m)
}

func removeCell(c *Cell) {
	cellsMu.Lock()
	defer cellsMu.Unlock()
	m := maps.Clone(*cells.Load())
	delete(m, c.label)
	cells.Store(&m)
}

// Caller returns the cell that the calling goroutine belongs to: the one that ran last
// if the goroutine has lost its label, or nil if none has run.
func Caller() *Cell {
	if c := labelled(); c != nil {
		return c
	}
	return current.Load()
}

func labelled() *Cell {
	m := cells.Load()
	if m == nil {
		return nil
	}
	return (*m)[lm.Label()]
}

// Done is closed when the cell's own goroutine has ended.
func (c *Cell) Done() <-chan struct{} { return c.done }

// Failure returns why the cell ended early, or nil if it did not. Call it after Done.
func (c *Cell) Failure() *Failure { return c.fail }

// Interrupt stops the cell's goroutines, including those that outlived it. It
// returns at once: each goroutine stops at its next check.
func (c *Cell) Interrupt() {
	c.stopped.Store(true)
	atomic.StoreUint32(&Flag, 1)
	c.cancel(Interrupted{})
	cellsMu.Lock()
	defer cellsMu.Unlock()
	if !watching {
		watching = true
		go janitor()
	}
}

// Stop ends the calling goroutine if its cell was interrupted. It is the slow
// path of the check in loops: one atomic load and one map look-up without lock.
//
//go:noinline
func Stop() {
	if c := labelled(); c != nil && c.isStopped() {
		panic(Interrupted{})
	}
}

// Halt is the body of the case that is added to select statements.
func Halt() { panic(Interrupted{}) }

// Intr returns a channel that is closed when the caller's cell is interrupted.
func Intr() <-chan struct{} {
	if c := Caller(); c != nil {
		return c.ctx.Done()
	}
	return nil
}

// Context returns the caller's cell as a context: an interrupt cancels it.
func Context() context.Context {
	if c := Caller(); c != nil {
		return c.ctx
	}
	return context.Background()
}

// Check is the loop check as a call.
func Check() {
	if atomic.LoadUint32(&Flag) != 0 {
		Stop()
	}
}
