package rt

import (
	"bytes"
	"maps"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"
)

// Janitor intervals: short at first, because most cells stop at once, then
// long, because a goroutine that is blocked in a library may never stop.
const (
	janitorFirst = 20 * time.Millisecond
	janitorMax   = 2 * time.Second
)

// janitor clears Flag when no goroutine of an interrupted cell is left, so that
// checks in loops are cheap again, and forgets the cells that have ended.
func janitor() {
	for d := janitorFirst; ; d = min(2*d, janitorMax) {
		time.Sleep(d)
		alive := aliveCells()
		cellsMu.Lock()
		left := false
		for _, c := range *cells.Load() {
			left = left || c.stopped.Load() && alive[c.ID]
		}
		if !left {
			forgetLocked(alive)
			atomic.StoreUint32(&Flag, 0)
			watching = false
			cellsMu.Unlock()
			return
		}
		cellsMu.Unlock()
	}
}

// Forget drops the cells that have no goroutines left. It stops the world for
// a moment; the session calls it occasionally.
func Forget() {
	alive := aliveCells()
	cellsMu.Lock()
	defer cellsMu.Unlock()
	if cells.Load() != nil {
		forgetLocked(alive)
	}
}

func forgetLocked(alive map[int]bool) {
	m := maps.Clone(*cells.Load())
	for l, c := range m {
		select {
		case <-c.done:
			if !alive[c.ID] {
				delete(m, l)
				c.out.close()
			}
		default:
		}
	}
	cells.Store(&m)
}

// aliveCells reads from the goroutine profile which cells have goroutines.
func aliveCells() map[int]bool {
	var b bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&b, 1)
	alive := map[int]bool{}
	for l := range bytes.Lines(b.Bytes()) {
		_, v, ok := bytes.Cut(l, []byte(`"`+idKey+`":"`))
		if !ok {
			continue
		}
		if v, _, ok = bytes.Cut(v, []byte(`"`)); ok {
			if id, err := strconv.Atoi(string(v)); err == nil {
				alive[id] = true
			}
		}
	}
	return alive
}
