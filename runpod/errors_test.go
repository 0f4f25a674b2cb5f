package runpod_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// Which error each answer gives for each kind of operation, and how often the request is sent.
func TestDecisions(t *testing.T) {
	const times = 5 // Config.Attempts
	for _, c := range []struct {
		status         int
		err            error
		get, post      error
		getN, postN    int
		body, mentions string
	}{
		{status: 400, get: runpod.ErrBadRequest, post: runpod.ErrBadRequest, getN: 1, postN: 1, body: `{"error":"input must be an object"}`, mentions: "input must be an object"},
		{status: 401, get: runpod.ErrUnauthorized, post: runpod.ErrUnauthorized, getN: 1, postN: 1},
		{status: 403, get: runpod.ErrForbidden, post: runpod.ErrForbidden, getN: 1, postN: 1},
		{status: 404, get: runpod.ErrNotFound, post: runpod.ErrNotFound, getN: 1, postN: 1, body: "endpoint not found", mentions: "endpoint not found"},
		{status: 409, get: runpod.ErrConflict, post: runpod.ErrConflict, getN: 1, postN: 1},
		{status: 413, get: runpod.ErrTooLarge, post: runpod.ErrTooLarge, getN: 1, postN: 1},
		{status: 422, get: runpod.ErrBadRequest, post: runpod.ErrBadRequest, getN: 1, postN: 1, body: `{"title":"Unprocessable","detail":"no such field","errors":[{"x":1}]}`, mentions: `no such field; {"x":1}`},
		{status: 429, get: runpod.ErrRateLimited, post: runpod.ErrRateLimited, getN: times, postN: times},
		{status: 500, get: runpod.ErrServer, post: runpod.ErrUnknownOutcome, getN: times, postN: 1},
		{status: 502, get: runpod.ErrServer, post: runpod.ErrUnknownOutcome, getN: times, postN: 1, body: "<html><script>alert(1)</script>", mentions: "an HTML page of 31 bytes"},
		{status: 524, get: runpod.ErrServer, post: runpod.ErrUnknownOutcome, getN: times, postN: 1},
		{status: 302, get: runpod.ErrBadAnswer, post: runpod.ErrBadAnswer, getN: 1, postN: 1},
		{status: 200, get: runpod.ErrBadAnswer, post: runpod.ErrUnknownOutcome, getN: 1, postN: 1, body: `{"id":"j`, mentions: `{"id":"j`},
		{status: 200, get: runpod.ErrBadAnswer, post: runpod.ErrUnknownOutcome, getN: 1, postN: 1, body: `<html>`, mentions: "HTML"},
		{status: 200, get: runpod.ErrBadAnswer, post: runpod.ErrUnknownOutcome, getN: 1, postN: 1, body: `{"id":7}`, mentions: "id"},
		{status: 200, get: runpod.ErrBadAnswer, post: runpod.ErrBadAnswer, getN: 1, postN: 1, body: `{"error":"out of credit"}`, mentions: "out of credit"},
		{status: 200, get: runpod.ErrBadAnswer, post: runpod.ErrBadAnswer, getN: 1, postN: 1, body: `{}`, mentions: "no job"},
		{err: runpodtest.Refused, get: runpod.ErrUnreachable, post: runpod.ErrUnreachable, getN: times, postN: times, mentions: "refused"},
		{err: runpodtest.Cut, get: runpod.ErrUnreachable, post: runpod.ErrUnknownOutcome, getN: times, postN: 1, mentions: "reset"},
	} {
		name := fmt.Sprintf("%d %.10s %v", c.status, c.body, c.err)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				check := func(op string, step runpodtest.Step, n int, want error, do func(*runpod.Endpoint) error) {
					step.Status, step.Err, step.Reply = c.status, c.err, c.body
					steps := make([]runpodtest.Step, n)
					for i := range steps {
						steps[i] = step
					}
					err := do(open(t, steps...))
					var e *runpod.Error
					if !errors.Is(err, want) || !errors.As(err, &e) || e.StatusCode != c.status && c.err == nil && e.StatusCode != 0 {
						t.Errorf("%s: %v, want %v", op, err, want)
					}
					if err != nil && !strings.Contains(err.Error(), c.mentions) {
						t.Errorf("%s: %q does not mention %q", op, err, c.mentions)
					}
				}
				ctx := t.Context()
				check("status", get("status/j", ""), c.getN, c.get, func(e *runpod.Endpoint) error { _, err := e.Status(ctx, "j"); return err })
				check("run", post("run", ""), c.postN, c.post, func(e *runpod.Endpoint) error { _, err := e.Run(ctx, input); return err })
			})
		})
	}
}

func TestRetrySucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		e := open(t,
			failing(get("health", ""), 502),
			runpodtest.Step{Method: "GET", Path: "/v2/ep/health", Err: runpodtest.Cut},
			runpodtest.Step{Method: "GET", Path: "/v2/ep/health", Status: 429, Header: map[string]string{"Retry-After": "7"}},
			get("health", `{"jobs":{"inQueue":2},"workers":{"unhealthy":1}}`),
		)
		h, err := e.Health(t.Context())
		if err != nil || h.Jobs.InQueue != 2 || h.Workers.Unhealthy != 1 {
			t.Errorf("got %+v, %v", h, err)
		}
		if took := time.Since(begin); took < 8*time.Second || took > 10*time.Second {
			t.Errorf("took %v; Retry-After was 7 s, and two pauses before it", took)
		}
	})
}

func TestRetryGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		step := failing(get("health", ""), 429)
		step.Header = map[string]string{"Retry-After": "3600"}
		if _, err := open(t, step).Health(t.Context()); !errors.Is(err, runpod.ErrRateLimited) {
			t.Errorf("an hour of Retry-After: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/4)
		defer cancel()
		if _, err := open(t, failing(get("health", ""), 500)).Health(ctx); !errors.Is(err, runpod.ErrServer) {
			t.Errorf("no time for a second try: %v", err)
		}
		slow := get("health", "{}")
		slow.Delay = time.Hour
		begin := time.Now()
		_, err := open(t, slow, slow, slow, slow, slow).Health(t.Context())
		if !errors.Is(err, runpod.ErrUnreachable) || !strings.Contains(err.Error(), "no answer within 30s") {
			t.Errorf("no answer: %v", err)
		}
		if took := time.Since(begin); took < 150*time.Second {
			t.Errorf("took %v", took)
		}
		cause := errors.New("stop button")
		ctx2, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(cause) })
		if _, err := open(t, slow).Health(ctx2); !errors.Is(err, cause) {
			t.Errorf("interrupted: %v", err)
		}
		if _, err := open(t).Health(ctx2); !errors.Is(err, cause) {
			t.Errorf("interrupted before: %v", err)
		}
	})
}

// No way of printing a value shows the key.
func TestSecrets(t *testing.T) {
	key := runpod.Secret("rpa_very_secret")
	config := runpod.Config{APIKey: key}
	client, err := runpod.New(config)
	if err != nil {
		t.Fatal(err)
	}
	hostile := open(t, runpodtest.Step{Method: "GET", Path: "/v2/ep/health", Status: 401, Reply: "bad key " + runpodtest.Key + "!\x1b[31m\nnext"})
	_, err = hostile.Health(t.Context())
	if err == nil || strings.Contains(err.Error(), runpodtest.Key) || !strings.Contains(err.Error(), "bad key ***![31m next") {
		t.Errorf("an answer that repeats the key: %q", err)
	}
	for _, v := range []any{key, &key, config, &config, client, client.Endpoint("ep"), *client, []any{key}, map[string]any{"k": key}, &runpod.S3Config{AccessSecret: key}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "very_secret") || strings.Contains(text, fmt.Sprintf("%x", "very")) {
				t.Errorf("%s of %T shows the key", format, v)
			}
		}
	}
	if key.Reveal() != "rpa_very_secret" || runpod.Secret("").String() != "" {
		t.Error("Reveal or String is wrong")
	}
}

func TestConfig(t *testing.T) {
	for address, ok := range map[string]bool{
		"":                           true,
		"https://api.runpod.ai/v2":   true,
		"https://example.com/v2/":    true,
		"http://127.0.0.1:8000/v2":   true,
		"http://localhost:8000":      true,
		"http://[::1]:8000/v2":       true,
		"http://example.com":         false,
		"http://127.0.0.1.evil.com":  false,
		"ftp://example.com":          false,
		"example.com":                false,
		"https://user:pw@x.com":      false,
		"https://x.com/?a=b":         false,
		"https://localhost@evil.com": false,
		"://":                        false,
	} {
		_, err := runpod.New(runpod.Config{BaseURL: address})
		if (err == nil) != ok || err != nil && !errors.Is(err, runpod.ErrInvalid) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := runpod.New(runpod.Config{BaseURL: "http://example.com", PlainHTTP: true}); err != nil {
		t.Error(err)
	}
	if _, err := runpod.New(runpod.Config{Policy: runpod.Policy{TTL: time.Second}}); !errors.Is(err, runpod.ErrInvalid) {
		t.Errorf("a ttl of a second: %v", err)
	}
	client, err := runpod.New(runpod.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []runpod.EndpointID{"", ".", "..", "a/b", "a?b", "a b", "ü", runpod.EndpointID(strings.Repeat("a", 201))} {
		if _, err := client.Endpoint(id).Health(t.Context()); !errors.Is(err, runpod.ErrInvalid) {
			t.Errorf("endpoint %q: %v", id, err)
		}
		if _, err := client.Endpoint("ep").Status(t.Context(), runpod.JobID(id)); !errors.Is(err, runpod.ErrInvalid) {
			t.Errorf("job %q: %v", id, err)
		}
	}
}
