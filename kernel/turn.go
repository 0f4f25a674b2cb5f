package kernel

import (
	"context"
	"sync"
	"time"
)

// A mailbox is an unbounded queue between goroutines. It is unbounded so that a
// goroutine that reads a socket never waits for a cell.
type mailbox[T any] struct {
	mu    sync.Mutex
	items []T
	ready chan struct{} // holds a token while there may be items
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{ready: make(chan struct{}, 1)} }

func (m *mailbox[T]) push(v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items = append(m.items, v)
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// pop waits for the next item; ok is false when ctx is done. One goroutine pops.
func (m *mailbox[T]) pop(ctx context.Context) (v T, ok bool) {
	for ctx.Err() == nil {
		m.mu.Lock()
		if len(m.items) > 0 {
			v, m.items = m.items[0], m.items[1:]
			m.mu.Unlock()
			return v, true
		}
		m.mu.Unlock()
		select {
		case <-m.ready:
		case <-ctx.Done():
		}
	}
	return v, false
}

// take empties the mailbox.
func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}

// patience is how long a request about code waits for a cell that was sent before it. Most
// cells end within that time, and the request sees what they defined, as in kernels that
// handle one request at a time. A long-running cell does not block completion.
const patience = 300 * time.Millisecond

// turns tracks which cells have finished.
type turns struct {
	mu      sync.Mutex
	in, out int       // cells received, cells finished
	since   time.Time // when the current cell began; zero between cells
	changed chan struct{}
}

func newTurns() *turns { return &turns{changed: make(chan struct{})} }

func (t *turns) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.in++
}

func (t *turns) entered() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.in
}

func (t *turns) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since = time.Now()
}

func (t *turns) end(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out += n
	t.since = time.Time{}
	close(t.changed)
	t.changed = make(chan struct{})
}

// wait returns when the first n cells have finished, or when the current one has
// run for longer than patience.
func (t *turns) wait(ctx context.Context, n int) {
	for {
		t.mu.Lock()
		done, changed, left := t.out >= n, t.changed, patience
		if !t.since.IsZero() {
			left = patience - time.Since(t.since)
		}
		t.mu.Unlock()
		if done || left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}
