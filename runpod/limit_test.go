package runpod_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// down is a network that does not work.
type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) { return nil, runpodtest.Cut }

// A counter answers all requests after a time, and records when they came and how many came
// at the same time.
type counter struct {
	takes time.Duration

	mu       sync.Mutex
	at       []time.Time
	now, max int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.at = append(c.at, time.Now())
	c.now++
	c.max = max(c.max, c.now)
	c.mu.Unlock()
	time.Sleep(c.takes)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"id":"j","status":"CANCELLED"}`)), Request: r}, nil
}

// most returns how many requests came in any window.
func (c *counter) most(window time.Duration) int {
	most, from := 0, 0
	for to, at := range c.at {
		for at.Sub(c.at[from]) >= window {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// A thousand jobs are polled within the documented limits, and none is forgotten.
func TestLimitsHold(t *testing.T) {
	for _, c := range []struct {
		op         string
		n          int
		do         func(context.Context, *runpod.Endpoint) error
		limit      int
		concurrent int
	}{
		{"status", 5000, func(ctx context.Context, e *runpod.Endpoint) error { _, err := e.Status(ctx, "j"); return err }, 2000, 400},
		{"run", 3000, func(ctx context.Context, e *runpod.Endpoint) error { _, err := e.Run(ctx, input); return err }, 1000, 200},
		{"cancel", 300, func(ctx context.Context, e *runpod.Endpoint) error { _, err := e.Cancel(ctx, "j"); return err }, 100, 20},
	} {
		t.Run(c.op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &counter{takes: time.Second}
				client, err := runpod.New(runpod.Config{Transport: transport})
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				var all sync.WaitGroup
				for range c.n {
					all.Go(func() {
						if err := c.do(t.Context(), client.Endpoint("ep")); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if most := transport.most(10 * time.Second); most > c.limit {
					t.Errorf("%d requests within 10 s, the limit is %d", most, c.limit)
				}
				if transport.max > c.concurrent {
					t.Errorf("%d at once, the limit is %d", transport.max, c.concurrent)
				}
				if took, fair := time.Since(begin), time.Duration(c.n/c.limit)*25*time.Second; took > fair {
					t.Errorf("took %v, more than %v", took, fair)
				}
			})
		})
	}
}

// After a 429, all requests of the same operation and endpoint wait; others do not.
func TestLimitShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := failing(get("status/a", ""), 429)
		refused.Header = map[string]string{"Retry-After": "5"}
		e := open(t, refused, get("health", "{}"), get("status/a", completed), get("status/a", completed))
		begin := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := e.Status(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			time.Sleep(100 * time.Millisecond)
			if _, err := e.Status(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took < 5*time.Second {
				t.Errorf("asked after %v", took)
			}
		})
		if _, err := e.Health(t.Context()); err != nil || time.Since(begin) > 0 {
			t.Errorf("health: %v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := e.Status(ctx, "c"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("interrupted: %v", err)
		}
		all.Wait()
	})
}

// A thousand jobs that take a minute are watched. The watches see all of them end soon after
// they did, and keep to the documented limit.
func TestThousandJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		transport := &minute{counter: counter{takes: 100 * time.Millisecond}, begin: begin}
		client, err := runpod.New(runpod.Config{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if _, err := client.Endpoint("ep").Wait(t.Context(), "j"); err != nil {
					t.Error(err)
				}
				if late := time.Since(begin) - time.Minute; late > 15*time.Second {
					t.Errorf("seen to end %v late", late)
				}
			})
		}
		all.Wait()
		if most := transport.most(10 * time.Second); most > 2000 {
			t.Errorf("%d requests within 10 s", most)
		}
	})
}

// A minute is how long each job takes.
type minute struct {
	counter
	begin time.Time
}

func (m *minute) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.counter.RoundTrip(r)
	body := inQueue
	if time.Since(m.begin) > time.Minute {
		body = completed
	}
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp, err
}
