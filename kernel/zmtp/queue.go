package zmtp

import (
	"errors"
	"net"
	"sync"
	"time"
)

// ErrSlow is the error for a peer that was dropped because its queue was full.
var ErrSlow = errors.New("zmtp: peer does not read, its queue is full")

// An item is one message, or one command that is already framed.
type item struct {
	msg     Message
	command []byte
}

func (it item) size() int { return it.msg.Size() + len(it.command) }

// A queue holds the messages waiting for one peer, bounded in bytes.
type queue struct {
	limit int
	ready chan struct{} // holds one token while there may be work

	mu    sync.Mutex
	items []item
	bytes int
	// moved is when the peer last accepted something, or last had nothing to accept.
	moved  time.Time
	closed bool
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, ready: make(chan struct{}, 1), moved: time.Now()}
}

// push adds an item without blocking. A queue over its limit fails with ErrSlow;
// a single message larger than the limit still fits into an empty queue.
func (q *queue) push(it item) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return net.ErrClosed
	}
	n := it.size()
	if q.bytes > 0 && q.bytes+n > q.limit {
		return ErrSlow
	}
	if q.bytes == 0 {
		q.moved = time.Now()
	}
	q.items = append(q.items, it)
	q.bytes += n
	q.wakeLocked()
	return nil
}

func (q *queue) wakeLocked() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// writeBatch is the least that one write takes while more is queued, in bytes.
const writeBatch = 256 << 10

// pop blocks until there is work and returns about writeBatch of it; ok is false
// when the queue is closed and empty.
func (q *queue) pop() (batch []item, bytes int, ok bool) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			n := 0
			for n < len(q.items) && bytes < writeBatch {
				bytes += q.items[n].size()
				n++
			}
			batch = q.items[:n:n]
			q.items = q.items[n:]
			q.mu.Unlock()
			return batch, bytes, true
		}
		q.items = nil
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return nil, 0, false
		}
		<-q.ready
	}
}

// written tells the queue that the peer has accepted what pop returned. The bytes
// count as queued until then, so that a message being written is not forgotten.
func (q *queue) written(bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= bytes
	q.moved = time.Now()
}

// close lets pop finish what is queued and refuses new items.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wakeLocked()
}

// drop closes the queue and discards what is queued.
func (q *queue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.items, q.bytes = true, nil, 0
	q.wakeLocked()
}

// load returns the number of bytes waiting, and moved.
func (q *queue) load() (bytes int, moved time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes, q.moved
}
