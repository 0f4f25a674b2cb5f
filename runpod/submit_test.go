package runpod_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
	"github.com/gopherpod/gopherpod/tensors/bigjson"
)

const queued = `{"id":"j-u1","status":"IN_QUEUE"}`

func TestRunBody(t *testing.T) {
	long := strings.Repeat("AQID", 10000)
	for _, c := range []struct {
		name string
		r    runpod.Request
		body any
	}{
		{"defaults", input, `{"input":{"x":1},"policy":{"ttl":86400000}}`},
		{"long", runpod.Request{Input: struct{ Data string }{long}}, `{"input":{"Data":"` + long + `"},"policy":{"ttl":86400000}}`},
		{"raw", runpod.Request{Input: json.RawMessage(` {"n":12345678901234567890}`)}, nil},
		{"segments", runpod.Request{Input: bigjson.Segments{[]byte(`{"a":`), []byte(`2}`)}}, `{"input":{"a":2},"policy":{"ttl":86400000}}`},
		{"all", runpod.Request{Input: map[string]int{"x": 1}, Webhook: "https://example.com/hook",
			Policy: runpod.Policy{ExecutionTimeout: 48 * time.Hour, LowPriority: true},
			S3:     &runpod.S3Config{AccessID: "id", AccessSecret: "secret", BucketName: "b", EndpointURL: "https://s3", ObjectPath: "p"}},
			`{"input":{"x":1},"policy":{"executionTimeout":172800000,"ttl":176400000,"lowPriority":true},"webhook":"https://example.com/hook",
			"s3Config":{"accessId":"id","accessSecret":"secret","bucketName":"b","endpointUrl":"https://s3","objectPath":"p"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := post("run", queued)
			step.Body = c.body
			step.Check = func(t testing.TB, h http.Header, body []byte) {
				if h.Get("Content-Type") != "application/json" || h.Get("User-Agent") != "gopherpod" {
					t.Errorf("header %v", h)
				}
				if c.name == "raw" && !bytes.Contains(body, []byte("12345678901234567890")) {
					t.Errorf("digits are lost: %s", body)
				}
			}
			job, err := open(t, step).Run(t.Context(), c.r)
			if err != nil || job.ID != "j-u1" || job.Status != runpod.StatusInQueue || job.Endpoint != "ep" {
				t.Errorf("got %+v, %v", job, err)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	e := open(t)
	big := strings.Repeat("A", runpod.MaxRunBody)
	for _, c := range []struct {
		name string
		r    runpod.Request
		kind error
		says string
	}{
		{"nothing", runpod.Request{}, runpod.ErrInvalid, "not a JSON object: null"},
		{"a list", runpod.Request{Input: []int{1}}, runpod.ErrInvalid, "not a JSON object"},
		{"a number", runpod.Request{Input: 3}, runpod.ErrInvalid, "not a JSON object"},
		{"an empty object", runpod.Request{Input: map[string]any{}}, runpod.ErrInvalid, "at least one key"},
		{"an empty object in pieces", runpod.Request{Input: bigjson.Segments{nil, []byte("{ "), []byte(" }")}}, runpod.ErrInvalid, "at least one key"},
		{"no JSON", runpod.Request{Input: json.RawMessage(`{"a"`)}, runpod.ErrInvalid, "JSON"},
		{"NaN", runpod.Request{Input: map[string]float64{"x": math.NaN()}}, runpod.ErrInvalid, "NaN"},
		{"a short timeout", runpod.Request{Input: input.Input, Policy: runpod.Policy{ExecutionTimeout: time.Second}}, runpod.ErrInvalid, "1s"},
		{"a long ttl", runpod.Request{Input: input.Input, Policy: runpod.Policy{TTL: 200 * time.Hour}}, runpod.ErrInvalid, "7 days"},
		{"too large", runpod.Request{Input: map[string]string{"x": big}}, runpod.ErrTooLarge, "10.0 MB; run takes 10 MB"},
	} {
		_, err := e.Run(t.Context(), c.r)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.kind, c.says)
		}
	}
	if _, err := e.RunSync(t.Context(), input, time.Hour); !errors.Is(err, runpod.ErrInvalid) {
		t.Errorf("a wait of an hour: %v", err)
	}
}

func TestRunSync(t *testing.T) {
	e := open(t,
		post("runsync", `{"id":"sync-1-u1","status":"COMPLETED","output":{"n":9007199254740993},"delayTime":20,"executionTime":1500,"workerId":"w1","retries":1}`),
		post("runsync?wait=2500", `{"id":"sync-2-u1","status":"IN_PROGRESS"}`))
	job, err := e.RunSync(t.Context(), input, 0)
	if err != nil || string(job.Output) != `{"n":9007199254740993}` || job.Delay != 20*time.Millisecond ||
		job.Execution != 1500*time.Millisecond || job.WorkerID != "w1" || job.Retries != 1 || job.Err() != nil {
		t.Errorf("got %+v, %v", job, err)
	}
	if job, err = e.RunSync(t.Context(), input, 2500*time.Millisecond); err != nil || job.Status.Terminal() || job.Err() != nil {
		t.Errorf("got %+v, %v", job, err)
	}
}

// If Run is interrupted while its request is under way, it cancels the job.
func TestRunInterrupted(t *testing.T) {
	cause := errors.New("stop button")
	interrupt := func(t *testing.T) context.Context {
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(cause) })
		return ctx
	}
	synctest.Test(t, func(t *testing.T) {
		slow := post("run", queued)
		slow.Delay = 2 * time.Second
		_, err := open(t, slow, post("cancel/j-u1", `{"id":"j-u1","status":"CANCELLED"}`)).Run(interrupt(t), input)
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), "j-u1 was cancelled") {
			t.Errorf("answer in time: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		slow := post("run", queued)
		slow.Delay = 2 * time.Second
		_, err := open(t, slow, failing(post("cancel/j-u1", ""), 403)).Run(interrupt(t), input)
		if !errors.Is(err, cause) || !errors.Is(err, runpod.ErrForbidden) || !strings.Contains(err.Error(), "j-u1 goes on") {
			t.Errorf("not cancelled: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		never := post("run", queued)
		never.Delay = time.Hour
		begin := time.Now()
		_, err := open(t, never).Run(interrupt(t), input)
		if !errors.Is(err, cause) || !errors.Is(err, runpod.ErrUnknownOutcome) {
			t.Errorf("no answer: %v", err)
		}
		if took := time.Since(begin); took != 4*time.Second {
			t.Errorf("took %v", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		refused := runpodtest.Step{Method: "POST", Path: "/v2/ep/run", Err: runpodtest.Refused}
		_, err := open(t, refused, refused).Run(interrupt(t), input)
		if !errors.Is(err, cause) || errors.Is(err, runpod.ErrUnknownOutcome) {
			t.Errorf("never sent: %v", err)
		}
	})
}
