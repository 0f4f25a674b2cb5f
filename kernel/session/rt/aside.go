package rt

import (
	"context"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"time"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// asideStack is how much all stacks may grow while a value is shown: half of
// what ends the process. asideLook is how often that is checked.
const (
	asideStack = 64 << 20
	asideLook  = 10 * time.Millisecond
)

// asidePatience is how long code that was told to stop may take.
const asidePatience = 500 * time.Millisecond

// A Cut says why Aside stopped a function.
type Cut int

const (
	NotCut    Cut = iota // it returned
	CutStack             // it recurses without end
	CutTime              // it took too long
	CutByUser            // its cell was interrupted
)

// Aside runs f, which calls the user's methods to show a value, in a goroutine of
// the same cell that can be stopped separately: when its stack grows without bound,
// after limit (0: no limit), or when stop is closed. Interrupting the cell stops
// it too. If f does not stop, it is abandoned. After any Cut, its results must not
// be used.
func Aside(parent *Cell, limit time.Duration, stop <-chan struct{}, f func()) Cut {
	c := &Cell{done: make(chan struct{}), exits: make(chan struct{}), parent: parent}
	ctx := context.Background()
	if parent != nil {
		c.ID, c.Count, ctx = parent.ID, parent.Count, parent.ctx
	}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	defer c.cancel(nil)
	go pprof.Do(c.ctx, pprof.Labels(idKey, strconv.Itoa(c.ID)), func(ctx context.Context) {
		c.ctx, c.label = ctx, lm.Label()
		addCell(c)
		defer removeCell(c)
		defer c.out.close()
		defer close(c.done)
		defer func() { recover() }() // from Interrupted; f recovers the panics of the user's code
		f()
	})
	interrupted := ctx.Done()
	var late <-chan time.Time
	if limit > 0 {
		late = time.After(limit)
	}
	cut := NotCut
	var given <-chan time.Time
	end := func(why Cut) {
		if cut == NotCut {
			cut, given = why, time.After(asidePatience)
			c.Interrupt()
		}
	}
	base := uint64(0)
	look := time.NewTicker(asideLook)
	defer look.Stop()
	for {
		select {
		case <-c.done:
			if cut == NotCut && parent != nil && parent.stopped.Load() {
				return CutByUser
			}
			return cut
		case <-look.C:
			now := stacks()
			if base == 0 {
				base = now
			}
			if now > base+asideStack {
				end(CutStack)
			}
		case <-late:
			end(CutTime)
		case <-interrupted:
			interrupted = nil
			end(CutByUser)
		case <-stop:
			stop = nil
			end(CutByUser)
		case <-given:
			return cut
		}
	}
}

// stacks is the memory of all stacks, in bytes.
func stacks() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
