package runpod_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// The client asks for a job that was just submitted seven times within 31.5 s, like the
// official SDK; then the job counts as gone. It asks only once for old jobs and for jobs that
// another client submitted.
func TestJobThatIsNotKnownYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		accepted := runpodtest.Step{Method: "POST", Path: "/v2/ep/run", Reply: `{"id":"j-u1","status":"IN_QUEUE"}`}
		unknown := func(method, op string) runpodtest.Step {
			return runpodtest.Step{Method: method, Path: "/v2/ep/" + op + "/j-u1", Status: 404, Reply: `{"error":"job not found"}`}
		}
		known := runpodtest.Step{Method: "POST", Path: "/v2/ep/cancel/j-u1", Reply: `{"id":"j-u1","status":"CANCELLED"}`}
		submit := func(steps ...runpodtest.Step) *runpod.Endpoint {
			e := open(t, append([]runpodtest.Step{accepted}, steps...)...)
			if _, err := e.Run(t.Context(), runpod.Request{Input: map[string]int{"x": 1}}); err != nil {
				t.Fatal(err)
			}
			return e
		}
		repeat := func(s runpodtest.Step, n int) (all []runpodtest.Step) {
			for range n {
				all = append(all, s)
			}
			return all
		}
		begin := time.Now()
		e := submit(append(repeat(unknown("POST", "cancel"), 6), known)...)
		if err := e.Abandon(t.Context(), "j-u1"); err != nil || time.Since(begin) < 31*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		begin = time.Now()
		e = submit(append(repeat(unknown("GET", "status"), 7), unknown("GET", "status"))...)
		for range 2 { // the second is final at once
			if _, err := e.Status(t.Context(), "j-u1"); !errors.Is(err, runpod.ErrNotFound) {
				t.Error(err)
			}
		}
		if took := time.Since(begin); took != 31500*time.Millisecond {
			t.Errorf("gave up after %v", took)
		}
		e = submit(unknown("GET", "status"))
		time.Sleep(2 * time.Minute)
		if _, err := e.Status(t.Context(), "j-u1"); !errors.Is(err, runpod.ErrNotFound) {
			t.Error(err)
		}
		if _, err := open(t, unknown("POST", "retry")).Retry(t.Context(), "j-u1"); !errors.Is(err, runpod.ErrNotFound) {
			t.Error(err)
		}
		e = submit(unknown("GET", "status"), unknown("GET", "status"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := e.Status(ctx, "j-u1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that stops waiting gets %v", err)
		}
	})
}
