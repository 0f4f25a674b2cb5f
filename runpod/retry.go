package runpod

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gopherpod/gopherpod/tensors/pause"
)

// A retrier resends requests that may be resent, with pauses of base, twice base and so
// on, each with up to half of it added at random, or as long as the service asked for.
//
// A repeatable request is resent after a failure of the network or of the service. Any
// other request is resent only if it was certainly not accepted: the service refused it
// with 429, or it never left this machine.
type retrier struct {
	attempts int
	base     time.Duration
}

const (
	maxPause = 20 * time.Second
	// maxRetryAfter is how long the service may make a call wait; the caller gets the
	// error at once if the service asks for more.
	maxRetryAfter = time.Minute
)

func retryBase(local bool) time.Duration {
	if local {
		return 20 * time.Millisecond
	}
	return 500 * time.Millisecond
}

func (r retrier) wrap(next handler) handler {
	return func(ctx context.Context, c *call) (*reply, error) {
		gap := r.base
		for attempt := 1; ; attempt++ {
			out, err := next(ctx, c)
			if err == nil || attempt >= r.attempts || !mayRepeat(c, err) {
				return out, err
			}
			c.unsure = c.unsure || !errors.Is(err, ErrRateLimited) && !errors.Is(err, errNotSent)
			wait := gap + time.Duration(rand.Int64N(int64(gap)/2+1))
			var e *Error
			if errors.As(err, &e) && e.RetryAfter > 0 {
				if e.RetryAfter > maxRetryAfter {
					return nil, err
				}
				wait = e.RetryAfter
			}
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
				return nil, err
			}
			if cause := pause.For(ctx, wait); cause != nil {
				return nil, cause
			}
			gap = min(2*gap, maxPause)
		}
	}
}

func mayRepeat(c *call, err error) bool {
	if errors.Is(err, ErrRateLimited) || errors.Is(err, errNotSent) {
		return true
	}
	return c.spec.repeatable && (errors.Is(err, ErrUnreachable) || errors.Is(err, ErrServer))
}
