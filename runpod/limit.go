package runpod

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A limiter keeps each operation of each endpoint to its limit. It is one for the
// client, so that all who use it share it, in the order in which they came.
type limiter struct {
	limits map[Op]Limit // over the documented ones

	mu    sync.Mutex
	gates map[gateKey]*gate
}

type gateKey struct {
	endpoint EndpointID
	op       Op
}

func newLimiter(limits map[Op]Limit) *limiter {
	return &limiter{limits: limits, gates: map[gateKey]*gate{}}
}

func (l *limiter) wrap(next handler) handler {
	return func(ctx context.Context, c *call) (*reply, error) {
		g := l.gate(c)
		if g == nil {
			return next(ctx, c)
		}
		if err := g.enter(ctx); err != nil {
			return nil, err
		}
		defer g.leave()
		out, err := next(ctx, c)
		var e *Error
		if errors.As(err, &e) && e.Kind == ErrRateLimited {
			g.pause(max(e.RetryAfter, time.Second))
		}
		return out, err
	}
}

// gate returns nil where there is no limit.
func (l *limiter) gate(c *call) *gate {
	limit := c.spec.limit
	if own, ok := l.limits[c.op]; ok {
		limit = own
	}
	if limit.Requests <= 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := gateKey{c.endpoint, c.op}
	g := l.gates[key]
	if g == nil {
		g = newGate(limit)
		l.gates[key] = g
	}
	return g
}

// A gate lets through what a window allows. Half of it may come at once; the rest
// is spread over the window, so that no window of that length has more.
type gate struct {
	rate  *rate.Limiter
	slots chan struct{}

	mu     sync.Mutex
	closed time.Time // until when the service wants nothing
}

func newGate(l Limit) *gate {
	burst := (l.Requests + 1) / 2
	steady := max(l.Requests-burst, 1)
	concurrent := l.Concurrent
	if concurrent <= 0 {
		concurrent = l.Requests
	}
	return &gate{
		rate:  rate.NewLimiter(rate.Every(l.Per/time.Duration(steady)), burst),
		slots: make(chan struct{}, concurrent),
	}
}

func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		wait := g.untilOpen()
		if wait <= 0 {
			break
		}
		if err := sleep(ctx, wait); err != nil {
			g.leave()
			return err
		}
	}
	r := g.rate.Reserve()
	if err := sleepIf(ctx, r.Delay()); err != nil {
		r.Cancel()
		g.leave()
		return err
	}
	return nil
}

func (g *gate) leave() { <-g.slots }

func (g *gate) untilOpen() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.closed)
}

func (g *gate) pause(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(min(d, maxRetryAfter)); until.After(g.closed) {
		g.closed = until
	}
}

func sleepIf(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	return sleep(ctx, d)
}
