package local

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func workers(t *testing.T, s *Server, want WorkerCounts) {
	t.Helper()
	synctest.Wait()
	if got := s.Health().Workers; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestScaleToZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, Scaling: &Scaling{Max: 2, ColdStart: 24 * time.Second}})
		defer s.Close()
		workers(t, s, WorkerCounts{})
		low := mustRun(t, s, `{"input":{"value":1},"policy":{"lowPriority":true}}`)
		time.Sleep(time.Minute)
		wantStatus(t, s, low, StatusInQueue)
		workers(t, s, WorkerCounts{})
		call(t, s, "POST", "/v2/local/cancel/"+low, "")

		id := mustRun(t, s, `{"input":{"value":1}}`)
		workers(t, s, WorkerCounts{Initializing: 1})
		time.Sleep(3 * time.Second)
		workers(t, s, WorkerCounts{Initializing: 1})
		time.Sleep(22 * time.Second)
		if m := wantStatus(t, s, id, StatusCompleted); m["delayTime"] != 24000.0 {
			t.Error(m)
		}
		low = mustRun(t, s, `{"input":{"value":1},"policy":{"lowPriority":true}}`)
		synctest.Wait()
		wantStatus(t, s, low, StatusCompleted)
		workers(t, s, WorkerCounts{Idle: 1, Ready: 1})
		time.Sleep(10 * time.Second)
		workers(t, s, WorkerCounts{})
	})
}

func TestQueueDelayAddsWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, Scaling: &Scaling{Min: 1, Max: 3}})
		defer s.Close()
		workers(t, s, WorkerCounts{Idle: 1, Ready: 1})
		for range 5 {
			mustRun(t, s, `{"input":{"block":true},"policy":{"executionTimeout":60000}}`)
		}
		workers(t, s, WorkerCounts{Running: 1})
		time.Sleep(3900 * time.Millisecond)
		workers(t, s, WorkerCounts{Running: 1})
		time.Sleep(200 * time.Millisecond)
		workers(t, s, WorkerCounts{Running: 3})
		time.Sleep(3 * time.Minute)
		workers(t, s, WorkerCounts{Idle: 1, Ready: 1})
	})
}

func TestRequestCountScales(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, Scaling: &Scaling{Max: 10, RequestCount: 2}})
		defer s.Close()
		for range 5 {
			mustRun(t, s, `{"input":{"block":true}}`)
		}
		workers(t, s, WorkerCounts{Running: 3})
	})
}

func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, Scaling: &Scaling{Max: 1}})
		defer s.Close()
		s.ep.q.throttle(true)
		id := mustRun(t, s, `{"input":{"value":1}}`)
		workers(t, s, WorkerCounts{Throttled: 1})
		time.Sleep(time.Hour)
		wantStatus(t, s, id, StatusInQueue)
		s.ep.q.throttle(false)
		synctest.Wait()
		wantStatus(t, s, id, StatusCompleted)
	})
}

// A runner's worker that exits is replaced, and its job goes to the next
// worker.
func TestRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var s *Server
		runner := func(ctx context.Context, p Process) error {
			n++
			id := p.ID
			if !strings.Contains(strings.Join(p.Env, "\n"), "RUNPOD_POD_ID="+id) {
				t.Error(p.Env)
			}
			_, text := callRaw(t, s, "GET", "/v2/local/job-take/"+id+"?gpu=x", "")
			if n == 1 {
				return fmt.Errorf("it crashed with %s", text)
			}
			<-ctx.Done()
			return nil
		}
		s = newServer(t, Options{Runner: runner, Scaling: &Scaling{Max: 1, IdleTimeout: time.Hour}})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"value":1}}`)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if m := wantStatus(t, s, id, StatusInProgress); m["retries"] != 1.0 || n != 2 {
			t.Error(m, n)
		}
	})
}

// A worker whose job was cancelled counts as busy while its pings name the job: it finishes a
// batch, and then its client asks for the weights. It used to be stopped after IdleTimeout.
func TestCancelledWorkerFinishes(t *testing.T) {
	for name, finish := range map[string]func(*testing.T, *Server, string, string){
		"ping": func(t *testing.T, s *Server, worker, _ string) { callRaw(t, s, "GET", "/v2/local/ping/"+worker, "") },
		"report": func(t *testing.T, s *Server, worker, job string) {
			callRaw(t, s, "POST", "/v2/local/job-done/"+worker+"/"+job, `{"output":1}`)
		},
		"limit": func(*testing.T, *Server, string, string) {}, // it hangs until its job would have been out of time
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := ""
				s := newServer(t, Options{Scaling: &Scaling{Max: 1, IdleTimeout: 10 * time.Second}, Runner: func(ctx context.Context, p Process) error {
					id = p.ID
					<-ctx.Done()
					return nil
				}})
				defer s.Close()
				job := mustRun(t, s, `{"input":{"value":1},"policy":{"executionTimeout":60000}}`)
				synctest.Wait()
				takeJob(t, s, id)
				call(t, s, "POST", "/v2/local/cancel/"+job, "")
				for range 5 { // 40 s
					time.Sleep(8 * time.Second)
					callRaw(t, s, "GET", "/v2/local/ping/"+id+"?job_id="+job, "")
					workers(t, s, WorkerCounts{Running: 1})
				}
				finish(t, s, id, job)
				if name == "limit" {
					time.Sleep(21 * time.Second)
				}
				workers(t, s, WorkerCounts{Idle: 1, Ready: 1})
				time.Sleep(11 * time.Second)
				workers(t, s, WorkerCounts{})
			})
		})
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Limits: map[string]Limit{
			"status": {Requests: 3},
			"run":    {Concurrent: 1},
		}})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"value":1}}`)
		codes := func(n int) string {
			var got []string
			for range n {
				code, _ := call(t, s, "GET", "/v2/local/status/"+id, "")
				got = append(got, fmt.Sprint(code))
			}
			return strings.Join(got, " ")
		}
		if got := codes(1); got != "200" {
			t.Error(got)
		}
		time.Sleep(6 * time.Second)
		if got := codes(3); got != "200 200 429" {
			t.Error(got)
		}
		time.Sleep(4 * time.Second)
		if got := codes(2); got != "200 429" {
			t.Error(got)
		}
		mustRun(t, s, `{"input":{"value":1}}`)
	})
}

func TestPurgeLimit(t *testing.T) {
	s := newServer(t, Options{})
	for i, want := range []int{200, 200, 429} {
		if code, _ := call(t, s, "POST", "/v2/local/purge-queue", ""); code != want {
			t.Errorf("purge %d: %d, want %d", i, code, want)
		}
	}
}

type hookFunc func(*http.Request) (*http.Response, error)

func (f hookFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
