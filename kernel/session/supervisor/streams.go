package supervisor

import (
	"io"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// order keeps three readers in step: a marker on a stream lets nothing pass
// behind it until its event is handled, and an event waits for its markers.
type order struct {
	mu      sync.Mutex
	cond    *sync.Cond
	passed  [2]uint32 // last marker read from each stream
	handled uint32    // last event handled
}

func newOrder() *order {
	o := &order{}
	o.cond = sync.NewCond(&o.mu)
	return o
}

// marker is called by the reader of a stream.
func (o *order) marker(stream int, seq uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.passed[stream] = seq
	o.cond.Broadcast()
	for o.handled < seq {
		o.cond.Wait()
	}
}

// event is called by the reader of events before it handles event seq; done
// when it has.
func (o *order) event(seq uint32) (done func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.passed[0] < seq || o.passed[1] < seq {
		o.cond.Wait()
	}
	return func() { o.release(&o.handled, seq) }
}

// end lets everything pass: the stream is at its end (0, 1), or the events (2).
func (o *order) end(which int) {
	if which == 2 {
		o.release(&o.handled, 1<<32-1)
		return
	}
	o.release(&o.passed[which], 1<<32-1)
}

func (o *order) release(what *uint32, to uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	*what = max(*what, to)
	o.cond.Broadcast()
}

// Names of the streams, in the order of their descriptors.
var streamNames = [2]string{"stdout", "stderr"}

// endOfStream is the number of the marker behind which nothing is read; events
// count from 1.
const endOfStream = 0

// A cell that prints line by line wakes the reader with each, which costs both
// sides more than the line. After paceReads pieces of text within paceWindow, the
// reader rests before each further one and takes what has come together then: a
// first line is shown at once, a hundred thousand in few pieces.
const (
	paceWindow = 5 * time.Millisecond
	paceReads  = 8
	paceRest   = time.Millisecond
)

// readStream copies a standard stream of the session to text.
func readStream(r io.Reader, stream int, token string, o *order, text func([]byte)) {
	marked, ended := false, false
	sc := frame.Scanner{Token: token, Text: text, Mark: func(seq uint32) {
		marked = true
		if seq == endOfStream {
			ended = true
			return
		}
		o.marker(stream, seq)
	}}
	defer o.end(stream)
	defer sc.Close()
	b := make([]byte, 256<<10)
	window, reads := time.Now(), 0
	for !ended {
		marked = false
		n, err := r.Read(b)
		sc.Write(b[:n])
		if err != nil {
			return
		}
		if marked { // somebody waits for what comes next
			reads = 0
			continue
		}
		now := time.Now()
		if now.Sub(window) > paceWindow {
			window, reads = now, 0
		}
		if reads++; reads > paceReads && n < len(b) {
			time.Sleep(paceRest)
		}
	}
}
