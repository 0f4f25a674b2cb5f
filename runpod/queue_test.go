package runpod_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

const noWorker = `{"jobs":{"inQueue":1},"workers":{"throttled":1}}`

// A server that answers by path, for any number of requests.
func queueing(t *testing.T, answer func(path string, since time.Duration) string) (e *runpod.Endpoint, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	begin, paths := time.Now(), []string{}
	client, err := runpod.New(runpod.Config{BaseURL: "https://" + runpodtest.Host + "/v2", Transport: roundTripper(func(path string) string {
		mu.Lock()
		paths = append(paths, path)
		mu.Unlock()
		return answer(path, time.Since(begin))
	})})
	if err != nil {
		t.Fatal(err)
	}
	return client.Endpoint("ep"), func() []string { return paths }
}

// A job that no worker takes within its queue timeout is cancelled, and the error says why it
// waited. A job that a worker has is left alone, however long it runs.
func TestQueueTimeout(t *testing.T) {
	for _, c := range []struct {
		name      string
		taken     time.Duration // when a worker takes the job; 0: never
		late      bool          // only the last look finds that out
		stream    bool
		cancelled bool
	}{
		{"never taken", 0, false, false, true},
		{"never taken, streamed", 0, false, true, true},
		{"taken in time", 30 * time.Second, false, false, false},
		{"taken in time, streamed", 30 * time.Second, false, true, false},
		{"taken just before the cancellation", 60 * time.Second, true, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := false
				e, asked := queueing(t, func(path string, since time.Duration) string {
					op, query, _ := strings.Cut(strings.TrimPrefix(path, "/v2/ep/"), "?")
					status := "IN_QUEUE"
					if c.taken > 0 && since >= c.taken {
						status = "IN_PROGRESS"
					}
					if c.taken > 0 && since >= c.taken+5*time.Minute { // much longer than the limit
						status = "COMPLETED"
					}
					switch op {
					case "run":
						return `{"id":"j-u1","status":"IN_QUEUE"}`
					case "health":
						return noWorker
					case "cancel/j-u1":
						ended = true
						return `{"id":"j-u1","status":"CANCELLED"}`
					case "stream/j-u1":
						if c.late && status == "IN_PROGRESS" && since < c.taken+time.Second {
							status = "IN_QUEUE" // the stream lags behind
						}
						wait := 10 * time.Second
						if query != "" {
							wait, _ = time.ParseDuration(strings.TrimPrefix(query, "wait=") + "ms")
						}
						time.Sleep(wait)
						return `{"status":"` + status + `","stream":[]}`
					}
					if ended {
						status = "CANCELLED"
					}
					return `{"id":"j-u1","status":"` + status + `"}`
				})
				begin := time.Now()
				request := runpod.Request{Input: map[string]int{"x": 1}, Policy: runpod.Policy{QueueTimeout: time.Minute}}
				var err error
				if c.stream {
					ctx := runpod.LimitQueue(t.Context(), time.Minute, time.Time{})
					if _, err = e.Run(ctx, request); err == nil {
						for _, err = range e.Follow(ctx, "j-u1") {
						}
					}
				} else {
					_, err = e.Call(t.Context(), request)
				}
				took := time.Since(begin)
				cancel := slices.Contains(asked(), "/v2/ep/cancel/j-u1")
				if !c.cancelled {
					if err != nil || cancel || took < c.taken+5*time.Minute {
						t.Errorf("%v after %v, cancelled %v", err, took, cancel)
					}
					return
				}
				var late *runpod.QueueTimeoutError
				if !errors.As(err, &late) || !errors.Is(err, runpod.ErrQueueTimeout) || !cancel || took < time.Minute || took > 62*time.Second {
					t.Fatalf("%v after %v, cancelled %v", err, took, cancel)
				}
				const want = "runpod: no worker took job j-u1 within 1m0s: no capacity: the workers are throttled until a GPU of the endpoint's kinds is free; the job was cancelled and is not billed"
				if err.Error() != want {
					t.Errorf("got  %v\nwant %s", err, want)
				}
			})
		})
	}
}

// The queue timeout reaches the service as a ttl that a job started in time cannot pass, even
// if it loses a worker; and the ttl that the caller gives is kept.
func TestQueueTimeoutAsTTL(t *testing.T) {
	for _, c := range []struct {
		policy runpod.Policy
		ttl    time.Duration
		bad    bool
	}{
		{runpod.Policy{QueueTimeout: 10 * time.Minute, ExecutionTimeout: time.Hour}, 2*time.Hour + 11*time.Minute, false},
		{runpod.Policy{QueueTimeout: 10 * time.Minute, ExecutionTimeout: time.Hour, TTL: 3 * time.Hour}, 3 * time.Hour, false},
		{runpod.Policy{QueueTimeout: time.Hour, ExecutionTimeout: runpod.MaxTimeout}, runpod.MaxTimeout, false},
		{runpod.Policy{QueueTimeout: 10 * time.Minute}, 24*time.Hour + 10*time.Minute, false}, // the endpoint's limit is not known
		{runpod.Policy{QueueTimeout: time.Millisecond}, 0, true},
		{runpod.Policy{QueueTimeout: 8 * 24 * time.Hour}, 0, true},
	} {
		var sent string
		client, err := runpod.New(runpod.Config{BaseURL: "https://" + runpodtest.Host + "/v2", Transport: bodies(func(body string) string {
			sent = body
			return `{"id":"j-u1","status":"IN_QUEUE"}`
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Endpoint("ep").Run(t.Context(), runpod.Request{Input: map[string]int{"x": 1}, Policy: c.policy})
		if c.bad != errors.Is(err, runpod.ErrInvalid) || !c.bad && err != nil {
			t.Errorf("%+v: %v", c.policy, err)
		}
		if want := `"ttl":` + number(c.ttl.Milliseconds()); !c.bad && !strings.Contains(sent, want) {
			t.Errorf("%+v: sent %s, want %s", c.policy, sent, want)
		}
	}
}

// Jobs of one Queue that wait behind each other are not late, and their wait is told once.
func TestQueueOfSeveralJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// a runs from 10 s to 10 min; b waits for it, and then for a worker that never comes.
		e, _ := queueing(t, func(path string, since time.Duration) string {
			status := "IN_QUEUE"
			switch {
			case strings.HasSuffix(path, "health"):
				return noWorker
			case strings.Contains(path, "cancel/"):
				return `{"id":"b","status":"CANCELLED"}`
			case strings.HasSuffix(path, "/a") && since > 10*time.Minute:
				status = "COMPLETED"
			case strings.HasSuffix(path, "/a") && since > 10*time.Second:
				status = "IN_PROGRESS"
			}
			return `{"id":"x","status":"` + status + `"}`
		})
		var mu sync.Mutex
		var told []runpod.Wait
		ctx := runpod.WithQueue(t.Context(), &runpod.Queue{Limit: time.Minute, Tell: func(w runpod.Wait) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, w)
		}})
		begin := time.Now()
		first := make(chan error)
		go func() {
			_, err := e.Wait(ctx, "a")
			first <- err
		}()
		_, err := e.Wait(ctx, "b")
		if took := time.Since(begin); !errors.Is(err, runpod.ErrQueueTimeout) || took < 11*time.Minute || took > 11*time.Minute+10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		over := 0
		for _, w := range told {
			if w.Why == "" {
				over++
			}
		}
		if len(told) > 30 || over != 1 || told[0].Queued < 3*time.Second {
			t.Errorf("%d reports, %d of an end: %v", len(told), over, told)
		}
	})
}

// A log gets a line when the reason changes and every five minutes, not one for each look.
func TestWaitLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		tell := runpod.WaitLines(func(line string) { lines = append(lines, line) })
		begin := time.Now()
		for time.Since(begin) < time.Hour {
			since := time.Since(begin)
			why := "queued behind 9 jobs, 1 worker busy (1 s so far)"
			if since < 10*time.Minute { // the number changes with each look
				why = "queued behind " + number(1000-int64(since/time.Second)) + " jobs, 1 worker busy (1 s so far)"
			}
			if since > 20*time.Minute {
				why = "1 worker is starting (1 s so far)"
			}
			tell(runpod.Wait{Queued: since, Why: why})
			time.Sleep(3 * time.Second)
		}
		tell(runpod.Wait{Queued: time.Hour})
		if n := len(lines); n < 13 || n > 15 || !strings.Contains(lines[0], "behind 1000 jobs") || !strings.Contains(lines[5], "is starting") ||
			lines[n-1] != "a worker has the job, after 1h0m0s in the queue" {
			t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
		}
		if lines[0][:6] != "queued" || !strings.HasPrefix(lines[5], "waiting for a worker: 1 worker") {
			t.Error(lines[0], lines[5])
		}
		lines = nil
		tell(runpod.Wait{}) // a job that was taken before anything was said
		if lines != nil {
			t.Error(lines)
		}
	})
}

// A job that is gone from the queue has run out of its ttl: the error says so, and that it
// costs nothing.
func TestJobThatExpiresInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := runpodtest.Step{Method: "GET", Path: "/v2/ep/status/j-u1", Status: 404, Reply: `{"error":"job not found"}`}
		waits := runpodtest.Step{Method: "GET", Path: "/v2/ep/status/j-u1", Reply: `{"id":"j-u1","status":"IN_QUEUE"}`}
		runs := runpodtest.Step{Method: "GET", Path: "/v2/ep/status/j-u1", Reply: `{"id":"j-u1","status":"IN_PROGRESS"}`}
		_, err := open(t, waits, gone).Wait(t.Context(), "j-u1")
		if !errors.Is(err, runpod.ErrExpired) || !errors.Is(err, runpod.ErrNotFound) || !strings.Contains(err.Error(), "it is not billed") {
			t.Error(err)
		}
		if _, err := open(t, runs, gone).Wait(t.Context(), "j-u1"); errors.Is(err, runpod.ErrExpired) || !errors.Is(err, runpod.ErrNotFound) {
			t.Error(err)
		}
		stream := runpodtest.Step{Method: "GET", Path: "/v2/ep/stream/j-u1", Reply: `{"status":"IN_QUEUE","stream":[]}`}
		lost := gone
		lost.Path = stream.Path
		for _, err = range open(t, stream, lost).Follow(context.Background(), "j-u1") {
		}
		if !errors.Is(err, runpod.ErrExpired) {
			t.Error(err)
		}
	})
}

// A roundTripper answers by path and query.
type roundTripper func(path string) string

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	return answer(f(r.URL.RequestURI())), nil
}

// A bodies answers by the request's body.
type bodies func(body string) string

func (f bodies) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	return answer(f(string(b))), err
}

func answer(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
