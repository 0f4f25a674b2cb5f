package local

import (
	"sync"
	"time"
)

// A Limit bounds how often clients may call an operation of an endpoint.
type Limit struct {
	Requests   int           // in Window; 0: any number
	Window     time.Duration // 10 s if 0
	Concurrent int           // at the same time; 0: any number
	// PerWorker raises Requests to PerWorker times the number of running
	// workers, if that is more.
	PerWorker int
}

// DefaultLimits are RunPod's documented base limits, by operation. Operations
// that the documentation does not list have no limit. status-sync counts as
// status.
func DefaultLimits() map[string]Limit {
	const window = 10 * time.Second
	return map[string]Limit{
		"run":         {1000, window, 200, 50},
		"runsync":     {2000, window, 400, 50},
		"status":      {2000, window, 400, 50},
		"stream":      {2000, window, 400, 50},
		"cancel":      {100, window, 20, 50},
		"purge-queue": {2, window, 0, 0},
		"requests":    {10, window, 2, 0},
	}
}

// A limiter counts the requests of one endpoint in sliding windows.
type limiter struct {
	clock   Clock
	running func() int // workers
	limits  map[string]Limit

	mu  sync.Mutex
	ops map[string]*window
}

type window struct {
	limit Limit
	times []time.Time // of the requests within the window, oldest first
	open  int
}

func newLimiter(clock Clock, limits map[string]Limit, running func() int) *limiter {
	return &limiter{clock: clock, running: running, limits: limits, ops: map[string]*window{}}
}

// left returns how many more requests of op limit allows, and when there will be more.
func (l *limiter) left(op string, limit Limit) (left int, next time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.ops[op]
	if w == nil {
		return limit.Requests, 0
	}
	now := l.clock.Now()
	for _, t := range w.times {
		if now.Sub(t) < limit.Window {
			left++
			if next == 0 {
				next = limit.Window - now.Sub(t)
			}
		}
	}
	return max(limit.Requests-left, 0), next
}

// enter reports whether a request of op is within its limit; the caller calls done
// when the request is over. A refused request does not count.
func (l *limiter) enter(op string) (done func(), ok bool) {
	limit, limited := l.limits[op]
	if !limited {
		return func() {}, true
	}
	def(&limit.Window, 10*time.Second)
	most := limit.Requests
	if limit.PerWorker > 0 {
		most = max(most, limit.PerWorker*l.running())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.ops[op]
	if w == nil {
		w = &window{limit: limit}
		l.ops[op] = w
	}
	now := l.clock.Now()
	old := 0
	for old < len(w.times) && now.Sub(w.times[old]) >= limit.Window {
		old++
	}
	w.times = w.times[old:]
	if limit.Requests > 0 && len(w.times) >= most || limit.Concurrent > 0 && w.open >= limit.Concurrent {
		return nil, false
	}
	w.times = append(w.times, now)
	w.open++
	return func() {
		l.mu.Lock()
		w.open--
		l.mu.Unlock()
	}, true
}
