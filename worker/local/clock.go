package local

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// A Clock returns the time and calls functions later.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine after d. stop works like the Stop
	// method of time.Timer.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// A SkipClock is the machine's clock, but can skip time: an hour of retention
// passes at once, and what was due in that hour happens in order. The zero
// value is ready.
type SkipClock struct {
	mu      sync.Mutex
	skipped time.Duration
	timers  map[*skipTimer]struct{}
}

type skipTimer struct {
	at   time.Time
	f    func()
	real *time.Timer
}

// Now returns the machine's time plus the skipped time.
func (c *SkipClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.skipped)
}

// AfterFunc calls f after d, or sooner if time is skipped.
func (c *SkipClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &skipTimer{at: time.Now().Add(c.skipped + d), f: f}
	if c.timers == nil {
		c.timers = map[*skipTimer]struct{}{}
	}
	c.timers[t] = struct{}{}
	t.real = time.AfterFunc(d, func() {
		if c.take(t) {
			f()
		}
	})
	return func() bool {
		t.real.Stop()
		return c.take(t)
	}
}

// take removes a timer and reports whether it was there; only then may its function be called.
func (c *SkipClock) take(t *skipTimer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.timers[t]
	delete(c.timers, t)
	return ok
}

// Skip moves the time forward by d. Before it returns, it calls the functions
// that have become due, in the order of their times.
func (c *SkipClock) Skip(d time.Duration) {
	c.mu.Lock()
	c.skipped += max(d, 0)
	now := time.Now().Add(c.skipped)
	var due []*skipTimer
	for t := range c.timers {
		if t.at.After(now) {
			t.real.Reset(t.at.Sub(now))
			continue
		}
		due = append(due, t)
		t.real.Stop()
		delete(c.timers, t)
	}
	c.mu.Unlock()
	slices.SortFunc(due, func(a, b *skipTimer) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	for _, t := range due {
		t.f()
	}
}

// pause waits until d has passed on the clock or ctx is done.
func pause(ctx context.Context, c Clock, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	done := make(chan struct{})
	stop := c.AfterFunc(d, func() { close(done) })
	defer stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// within returns ctx with a time limit on the clock. Reaching the limit is not an error,
// so the cause is errHoldOver.
func within(ctx context.Context, c Clock, d time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := c.AfterFunc(d, func() { cancel(errHoldOver) })
	return ctx, func() { stop(); cancel(nil) }
}
