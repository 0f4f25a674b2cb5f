package supervisor

import (
	"io"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// order keeps three readers in step: nothing after a marker on a stream passes until
// the marker's event is handled, and an event waits for its markers.
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

// event is called by the reader of events before it handles event seq; done is called
// when it has handled the event.
func (o *order) event(seq uint32) (done func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.passed[0] < seq || o.passed[1] < seq {
		o.cond.Wait()
	}
	return func() { o.release(&o.handled, seq) }
}

// end lets everything pass: a stream has ended (0, 1), or the events have (2).
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

// endOfStream is the number of the marker after which nothing is read; events
// count from 1.
const endOfStream = 0

// A cell that prints line by line wakes the reader for each line, which costs both
// sides more than the line itself. After paceReads pieces of text within paceWindow, the
// reader pauses before each further one and reads what has accumulated: a first line
// is shown at once, a hundred thousand lines in a few pieces.
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
		if marked { // something waits for what comes next
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
