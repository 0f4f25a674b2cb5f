package runpod_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

const (
	inQueue   = `{"id":"j","status":"IN_QUEUE"}`
	running   = `{"id":"j","status":"IN_PROGRESS","workerId":"w"}`
	completed = `{"id":"j","status":"COMPLETED","workerId":"w","output":[1.0]}`
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		e := open(t, get("status/j", inQueue), get("status/j", inQueue), get("status/j", running),
			get("status/j", `{"id":"j","status":"IN_PROGRESS","workerId":"w","output":"half"}`),
			get("status/j", `{"id":"j","status":"SOMETHING_NEW","workerId":"w2","retries":1}`),
			get("status/j", completed))
		var seen []string
		for job, err := range e.Watch(t.Context(), "j") {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, string(job.Status)+" "+string(job.Output))
		}
		want := []string{"IN_QUEUE ", "IN_PROGRESS ", `IN_PROGRESS "half"`, "SOMETHING_NEW ", "COMPLETED [1.0]"}
		if !slices.Equal(seen, want) {
			t.Errorf("saw %q, want %q", seen, want)
		}
		// 0.25 s, and each pause 1.5 times as long as the one before.
		if took := time.Since(begin).Round(time.Millisecond); took != 3297*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestWatchStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for job := range open(t, get("status/j", inQueue)).Watch(t.Context(), "j") {
			_ = job
			break
		}
		cause := errors.New("stop button")
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { stop(cause) })
		if job, err := open(t, get("status/j", inQueue)).Wait(ctx, "j"); !errors.Is(err, cause) || job.Status != runpod.StatusInQueue {
			t.Errorf("interrupted: %v, %v", job, err)
		}
		if _, err := open(t, failing(get("status/j", ""), 404)).Wait(t.Context(), "j"); !errors.Is(err, runpod.ErrNotFound) {
			t.Errorf("gone: %v", err)
		}
	})
}

// An outage of a few minutes does not lose the job; a longer one ends the watch.
func TestWatchOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []runpodtest.Step
		for range 4 * 5 {
			steps = append(steps, runpodtest.Step{Method: "GET", Path: "/v2/ep/status/j", Err: runpodtest.Cut})
		}
		job, err := open(t, append(steps, get("status/j", completed))...).Wait(t.Context(), "j")
		if err != nil || job.Status != runpod.StatusCompleted {
			t.Errorf("got %v, %v", job, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		config := runpodtest.New(t).Config()
		config.Transport = down{}
		client, err := runpod.New(config)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := client.Endpoint("ep").Wait(t.Context(), "j"); !errors.Is(err, runpod.ErrUnreachable) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestWaitErrors(t *testing.T) {
	const sdk = `{"error_type": "<class 'builtins.ValueError'>", "error_message": "bad\nlayer", "error_traceback": "Traceback...", "hostname": "h", "field": "x.y"}`
	text, err := json.Marshal(sdk)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		body string
		kind error
		want runpod.JobError
		says string
	}{
		{`{"id":"j","status":"FAILED","error":` + string(text) + `}`, runpod.ErrJobFailed,
			runpod.JobError{Type: "ValueError", Message: "bad\nlayer", Traceback: "Traceback..."}, "runpod: job failed: ValueError: bad layer (job j)"},
		{`{"id":"j","status":"FAILED","error":` + sdk + `}`, runpod.ErrJobFailed,
			runpod.JobError{Type: "ValueError", Message: "bad\nlayer", Traceback: "Traceback..."}, "ValueError"},
		{`{"id":"j","status":"FAILED","error":"job timed out after 1 retries"}`, runpod.ErrJobFailed,
			runpod.JobError{Message: "job timed out after 1 retries"}, "job timed out after 1 retries"},
		{`{"id":"j","status":"FAILED","error":"handler: boom \ntraceback: File..."}`, runpod.ErrJobFailed,
			runpod.JobError{Message: "boom", Traceback: "File..."}, "boom"},
		{`{"id":"j","status":"FAILED","error":{"code":7}}`, runpod.ErrJobFailed, runpod.JobError{Message: `{"code":7}`}, `{"code":7}`},
		{`{"id":"j","status":"FAILED","error":["a"]}`, runpod.ErrJobFailed, runpod.JobError{Message: `["a"]`}, `["a"]`},
		{`{"id":"j","status":"FAILED","error":"{not json"}`, runpod.ErrJobFailed, runpod.JobError{Message: "{not json"}, "{not json"},
		{`{"id":"j","status":"FAILED"}`, runpod.ErrJobFailed, runpod.JobError{}, "runpod: job failed (job j)"},
		{`{"id":"j","status":"CANCELLED","error":null}`, runpod.ErrJobCancelled, runpod.JobError{}, "cancelled"},
		{`{"id":"j","status":"TIMED_OUT","error":""}`, runpod.ErrJobTimedOut, runpod.JobError{}, "timed out"},
	} {
		job, err := open(t, get("status/j", c.body)).Wait(t.Context(), "j")
		var e *runpod.JobError
		if !errors.Is(err, c.kind) || !errors.As(err, &e) || job == nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if e.Type != c.want.Type || e.Message != c.want.Message || e.Traceback != c.want.Traceback || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q %q %q, %q", c.body, e.Type, e.Message, e.Traceback, err)
		}
	}
}

func TestCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job, err := open(t, post("run", inQueue), get("status/j", completed)).Call(t.Context(), input)
		if err != nil || string(job.Output) != "[1.0]" {
			t.Errorf("got %v, %v", job, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/10)
		defer cancel()
		_, err = open(t, post("run", inQueue), get("status/j", running), post("cancel/j", `{"id":"j","status":"CANCELLED"}`)).Call(ctx, input)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "job j was cancelled") {
			t.Errorf("interrupted: %v", err)
		}
	})
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t,
			get("stream/j", `{"status":"IN_QUEUE","stream":[]}`),
			get("stream/j", `{"status":"IN_PROGRESS","stream":[{"output":{"n":1}},{"output":2.50,"metrics":{}}]}`),
			failing(get("stream/j", ""), 502),
			get("stream/j", `[{"output":"bare"}]`),
			get("stream/j", `{"status":"COMPLETED","stream":[{"output":3}]}`),
			get("stream/j", `{"status":"COMPLETED","stream":[{"output":4}]}`),
			get("stream/j", `{"status":"COMPLETED","stream":[]}`))
		var seen []string
		for chunk, err := range e.Stream(t.Context(), "j") {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, string(chunk))
		}
		if want := []string{`{"n":1}`, "2.50", `"bare"`, "3", "4"}; !slices.Equal(seen, want) {
			t.Errorf("saw %q, want %q", seen, want)
		}
	})
}

// The stream ends if the job is cancelled, and on errors.
func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []string{"CANCELLED", "FAILED", "TIMED_OUT"} {
			var statuses []runpod.Status
			for u, err := range open(t, get("stream/j", `{"status":"`+status+`","stream":[]}`)).Follow(t.Context(), "j") {
				if err != nil {
					t.Fatal(err)
				}
				statuses = append(statuses, u.Status)
			}
			if len(statuses) != 1 || string(statuses[0]) != status {
				t.Errorf("%s: %v", status, statuses)
			}
		}
		for _, body := range []string{`{}`, `{"stream":[]}`, `{"status":"COMPLETED","stream":[{}]}`, `{"status":"COMPLETED","stream":{}}`, `[1]`, ``} {
			for _, err := range open(t, get("stream/j", body)).Stream(t.Context(), "j") {
				if !errors.Is(err, runpod.ErrBadAnswer) {
					t.Errorf("%s: %v", body, err)
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		held := get("stream/j", `{}`)
		held.Delay = 5 * time.Second
		for _, err := range open(t, held).Stream(ctx, "j") {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("interrupted: %v", err)
			}
		}
	})
}

// Follow asks a server that holds requests again at once, and pauses for one that does not.
func TestStreamPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		empty := get("stream/j", `{"status":"IN_PROGRESS","stream":[]}`)
		held := empty
		held.Delay = 10 * time.Second
		for range open(t, held, held, empty, empty, get("stream/j", `{"status":"COMPLETED","stream":[]}`)).Stream(t.Context(), "j") {
			t.Error("a chunk from nowhere")
		}
		if took := time.Since(begin); took != 20*time.Second+625*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestControl(t *testing.T) {
	e := open(t,
		post("cancel/j", `{"id":"j","status":"CANCELLED"}`),
		post("retry/j", `{"id":"j","status":"IN_QUEUE"}`),
		post("purge-queue", `{"removed":2,"status":"completed"}`),
		post("purge-queue", `{"status":"completed"}`))
	if job, err := e.Cancel(t.Context(), "j"); err != nil || job.Status != runpod.StatusCancelled {
		t.Errorf("cancel: %v, %v", job, err)
	}
	if job, err := e.Retry(t.Context(), "j"); err != nil || job.Status != runpod.StatusInQueue {
		t.Errorf("retry: %v, %v", job, err)
	}
	if n, err := e.PurgeQueue(t.Context()); err != nil || n != 2 {
		t.Errorf("purge: %d, %v", n, err)
	}
	if _, err := e.PurgeQueue(t.Context()); !errors.Is(err, runpod.ErrBadAnswer) {
		t.Errorf("purge without a count: %v", err)
	}
}

func TestExplain(t *testing.T) {
	type w struct{ idle, initializing, ready, running, throttled, unhealthy, inQueue int }
	for _, c := range []struct {
		w      w
		queued time.Duration
		want   string
	}{
		{w{running: 2, inQueue: 4}, time.Minute, "queued behind 3 jobs, 2 workers busy (60 s so far)"},
		{w{initializing: 1, inQueue: 1}, 24 * time.Second, "1 worker is starting (24 s so far)"},
		{w{initializing: 2, inQueue: 9}, 24 * time.Second, "2 workers are starting (24 s so far)"},
		{w{running: 1, inQueue: 1}, time.Second, "1 worker is busy with other jobs (1 s so far)"},
		{w{idle: 1, inQueue: 1}, 0, "a worker is about to take the job (0 s so far)"},
		{w{throttled: 1, inQueue: 1}, time.Minute, "no capacity"},
		{w{unhealthy: 1}, time.Minute, "unhealthy"},
		{w{}, time.Second, "waiting for a worker to start"},
		{w{}, time.Minute, "no worker: none is starting"},
	} {
		var h runpod.Health
		h.Jobs.InQueue = c.w.inQueue
		h.Workers.Idle, h.Workers.Initializing, h.Workers.Ready = c.w.idle, c.w.initializing, c.w.ready
		h.Workers.Running, h.Workers.Throttled, h.Workers.Unhealthy = c.w.running, c.w.throttled, c.w.unhealthy
		if got := h.Explain(c.queued); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.w, got, c.want)
		}
	}
}
