package local

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// takeJob asks for a job as an attached worker does, and returns its id, or "".
func takeJob(t *testing.T, s *Server, id string) string {
	t.Helper()
	code, text := callRaw(t, s, "GET", "/v2/local/job-take/"+id+"?gpu=x&job_in_progress=0", "")
	if code == http.StatusNoContent {
		return ""
	}
	_, m := decoded(t, code, text)
	return m["id"].(string)
}

// An attached worker that asks to be replaced, or whose job exceeded its executionTimeout, gets no
// more jobs; another worker does. After a while without a sign of life, its id can be used again.
func TestAttachedWorkerIsRetired(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *Server, job string){
		"refresh": func(t *testing.T, s *Server, job string) {
			callRaw(t, s, "POST", "/v2/local/job-done/w/"+job, `{"output":1,"stopPod":true}`)
		},
		"overtime": func(t *testing.T, s *Server, job string) {
			for range 3 { // the worker is alive and its handler continues
				time.Sleep(5 * time.Second)
				callRaw(t, s, "GET", "/v2/local/ping/w?job_id="+job, "")
			}
			wantStatus(t, s, job, StatusTimedOut)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, Options{})
				defer s.Close()
				first := mustRun(t, s, `{"input":{"x":1},"policy":{"executionTimeout":10000}}`)
				second := mustRun(t, s, `{"input":{"x":2}}`)
				if got := takeJob(t, s, "w"); got != first {
					t.Fatal(got)
				}
				end(t, s, first)
				if got := takeJob(t, s, "w"); got != "" {
					t.Errorf("it got job %s", got)
				}
				if got := takeJob(t, s, "other"); got != second {
					t.Errorf("the other one got %q", got)
				}
				callRaw(t, s, "POST", "/v2/local/job-done/other/"+second, `{"output":1}`)
				time.Sleep(2 * time.Minute)
				third := mustRun(t, s, `{"input":{"x":3}}`)
				if got := takeJob(t, s, "w"); got != third {
					t.Errorf("the id cannot be used again: %q", got)
				}
			})
		})
	}
}

// Workers that the server started are stopped and replaced.
func TestStartedWorkerIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var started, ended []string
		opt := Options{Workers: 1, Runner: func(ctx context.Context, p Process) error {
			mu.Lock()
			started = append(started, p.ID)
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			ended = append(ended, p.ID)
			mu.Unlock()
			return nil
		}}
		s := newServer(t, opt)
		defer s.Close()
		last := func() string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return started[len(started)-1]
		}
		ids := []string{mustRun(t, s, `{"input":{"x":1}}`), mustRun(t, s, `{"input":{"x":2},"policy":{"executionTimeout":10000}}`), mustRun(t, s, `{"input":{"x":3}}`)}
		a := last()
		if got := takeJob(t, s, a); got != ids[0] {
			t.Fatal(got)
		}
		callRaw(t, s, "POST", "/v2/local/job-done/"+a+"/"+ids[0], `{"output":1,"stopPod":true}`)
		b := last()
		if got := takeJob(t, s, b); a == b || got != ids[1] {
			t.Fatalf("worker %s after %s got %q", b, a, got)
		}
		time.Sleep(11 * time.Second)
		c := last()
		if got := takeJob(t, s, c); b == c || got != ids[2] {
			t.Fatalf("worker %s after %s got %q", c, b, got)
		}
		if len(ended) != 2 || len(started) != 3 {
			t.Errorf("started %v, ended %v", started, ended)
		}
	})
}

// A handler in this process that ignores its context cannot be stopped. The next job runs at
// the same time.
func TestHandlerThatDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := make(chan struct{})
		s := newServer(t, Options{Handler: func(ctx context.Context, job worker.Job, _ func(json.RawMessage) error) (json.RawMessage, error) {
			if string(job.Input) == `{"deaf":true}` {
				<-deaf
			}
			return json.RawMessage(`"done"`), nil
		}})
		defer s.Close()
		first := mustRun(t, s, `{"input":{"deaf":true},"policy":{"executionTimeout":10000}}`)
		second := mustRun(t, s, `{"input":{"deaf":false}}`)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		wantStatus(t, s, first, StatusTimedOut)
		wantStatus(t, s, second, StatusCompleted)
		close(deaf)
		synctest.Wait()
		wantStatus(t, s, first, StatusTimedOut)
	})
}

// A result that the endpoint refuses is lost, and its job is COMPLETED without output, as on RunPod.
// The handler does not run again.
func TestRefusedResult(t *testing.T) {
	for name, body := range map[string]string{"no JSON": `{"output":NaN}`, "too large": `{"output":"` + strings.Repeat("x", 2000) + `"}`} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, Options{MaxRunSync: 1000})
				defer s.Close()
				id := mustRun(t, s, `{"input":{"x":1}}`)
				if got := takeJob(t, s, "w"); got != id {
					t.Fatal(got)
				}
				post(t, s, "job-stream", "w", id, `{"output":1}`, 200)
				post(t, s, "job-done", "other", id, body, 400)
				wantStatus(t, s, id, StatusInProgress)
				post(t, s, "job-done", "w", id, body, 400)
				if m := wantStatus(t, s, id, StatusCompleted); m["output"] != nil || m["error"] != nil {
					t.Error(m)
				}
				if got := takeJob(t, s, "w"); got != "" {
					t.Errorf("the handler runs again: %s", got)
				}
				if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+id, ""); text != `{"status":"COMPLETED","stream":[{"output":1}]}` {
					t.Error(text)
				}
			})
		})
	}
}

// The queue's limit counts workers that attach as well as those that the server started.
func TestQueueLimitFollowsWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Limits: map[string]Limit{}})
		defer s.Close()
		fill := func() (n int) {
			for {
				if code, _ := callRaw(t, s, "POST", "/v2/local/run", `{"input":{"x":1}}`); code != 200 {
					return n
				}
				n++
			}
		}
		if n := fill(); n != 500 {
			t.Errorf("%d jobs wait without a worker", n)
		}
		takeJob(t, s, "a")
		takeJob(t, s, "b")
		if n := fill(); n != 502 {
			t.Errorf("%d more jobs wait for two workers that have one each", n)
		}
		fixed := newServer(t, Options{MaxQueued: 3})
		takeJob(t, fixed, "a")
		s = fixed
		if n := fill(); n != 3 {
			t.Errorf("%d jobs with a limit of 3", n)
		}
		s = newServer(t, Options{Limits: map[string]Limit{}, Workers: 2}) // gopherpod local --worker none --workers 2
		if n := fill(); n != 1000 {
			t.Errorf("%d jobs wait for two workers that are expected", n)
		}
	})
}

// The queue's limit of an endpoint of the management API follows its workers.max, in updates too.
func TestQueueLimitFollowsMaxWorkers(t *testing.T) {
	s := newServer(t, Options{Limits: map[string]Limit{}})
	_, m := call(t, s, "POST", "/v2/serverless", `{"name":"n","type":"QUEUE","image":"i","scaling":{"type":"QUEUE_DELAY","queueDelay":4},"gpu":{"pools":["ADA_24"]},"workers":{"max":0}}`)
	id := m["id"].(string)
	total := 0
	for _, c := range []struct{ max, want int }{{0, 50}, {1, 500}, {2, 1000}} {
		callRaw(t, s, "PATCH", "/v2/serverless/"+id, fmt.Sprintf(`{"workers":{"max":%d}}`, c.max))
		for {
			if code, _ := callRaw(t, s, "POST", "/v2/"+id+"/run", `{"input":{"x":1}}`); code != 200 {
				break
			}
			total++
		}
		if total != c.want {
			t.Errorf("workers.max %d: %d jobs wait, want %d", c.max, total, c.want)
		}
	}
}
