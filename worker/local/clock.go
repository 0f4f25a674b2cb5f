package local

import (
	"context"
	"time"
)

// A Clock tells the time and calls back later. The default is the machine's;
// a ManualClock makes hours of retention pass at once.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine after d. Stop is as time.Timer's.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

// pause waits for d on the clock, or for ctx.
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

// within is ctx with a limit on the clock; it is no error when the limit is
// reached, so the cause is errHoldOver.
func within(ctx context.Context, c Clock, d time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := c.AfterFunc(d, func() { cancel(errHoldOver) })
	return ctx, func() { stop(); cancel(nil) }
}
