package runpod

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/tensors/pause"
)

// A limiter keeps each operation of each endpoint within its limit. Its users share the
// limit, first come, first served.
type limiter struct {
	limits map[Op]Limit  // override the documented ones
	rest   time.Duration // pause after a 429 that does not say how long to wait

	mu    sync.Mutex
	gates map[gateKey]*gate
}

type gateKey struct {
	endpoint EndpointID
	op       Op
}

func newLimiter(limits map[Op]Limit, rest time.Duration) *limiter {
	return &limiter{limits: limits, rest: rest, gates: map[gateKey]*gate{}}
}

// limiters are shared by all clients in the process: RunPod counts requests per service
// and key, not per client, and the cells of a notebook and a watched run beside them
// may have several clients. (The package's only mutable global.)
var limiters limiterCache

type limiterCache struct {
	mu  sync.Mutex
	all map[limiterKey]*limiter
}

type limiterKey struct {
	base, management string
	key              [sha256.Size]byte
}

// maxLimiters bounds the cache; a process has one or two services.
const maxLimiters = 64

// of returns the limiter for a client. It is shared, unless the client has limits or a
// transport of its own.
func (l *limiterCache) of(c Config, rest time.Duration) *limiter {
	if c.Limits != nil || c.Transport != nil {
		return newLimiter(c.Limits, rest)
	}
	k := limiterKey{c.BaseURL, c.ManagementURL, sha256.Sum256([]byte(c.APIKey.Reveal()))}
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := l.all[k]; found != nil {
		return found
	}
	if l.all == nil || len(l.all) >= maxLimiters {
		l.all = map[limiterKey]*limiter{}
	}
	l.all[k] = newLimiter(nil, rest)
	return l.all[k]
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
			g.pause(cmp.Or(e.RetryAfter, l.rest))
		}
		return out, err
	}
}

// gate returns nil if there is no limit.
func (l *limiter) gate(c *call) *gate {
	limit, op := c.spec.limit, cmp.Or(c.gate, c.op)
	if own, ok := l.limits[op]; ok {
		limit = own
	}
	if limit.Requests <= 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := gateKey{c.endpoint, op}
	g := l.gates[key]
	if g == nil {
		g = newGate(limit)
		l.gates[key] = g
	}
	return g
}

// A gate limits requests to n in a sliding window: a request waits until the first of the
// last n requests is older than the window.
type gate struct {
	per   time.Duration
	slots chan struct{}

	mu     sync.Mutex
	times  []time.Time // when the last n requests went or will go, a ring
	oldest int
	closed time.Time // the service accepts nothing until then
}

func newGate(l Limit) *gate {
	concurrent := l.Concurrent
	if concurrent <= 0 {
		concurrent = l.Requests
	}
	// Requests take different times to arrive, so leave some room.
	return &gate{per: l.Per + l.Per/20, slots: make(chan struct{}, concurrent), times: make([]time.Time, l.Requests)}
}

func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := sleepIf(ctx, time.Until(g.reserve()))
	for err == nil { // another request may have received a 429 meanwhile
		wait := g.untilOpen()
		if wait <= 0 {
			return nil
		}
		err = pause.For(ctx, wait)
	}
	g.leave()
	return err
}

// reserve takes the next slot in the window and returns its time.
func (g *gate) reserve() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := time.Now()
	if free := g.times[g.oldest].Add(g.per); free.After(at) {
		at = free
	}
	g.times[g.oldest] = at
	g.oldest = (g.oldest + 1) % len(g.times)
	return at
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
	return pause.For(ctx, d)
}
