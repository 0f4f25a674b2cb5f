package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gopherpod/gopherpod/worker/policy"
)

// run accepts a job: {"id", "status": "IN_QUEUE"}.
func (e *endpoint) run(w http.ResponseWriter, r *http.Request, _ []string) {
	if v, ok := e.accept(w, r, e.q.opt.MaxRun, false); ok {
		writeJSON(w, http.StatusOK, idStatus{v.id, v.status})
	}
}

// runSync accepts a job and waits for its end, 90 s or ?wait. If the job has not
// ended by then, the answer is the job as it is.
func (e *endpoint) runSync(w http.ResponseWriter, r *http.Request, _ []string) {
	ctx, done, err := e.hold(r, runSyncWait)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	defer done()
	v, ok := e.accept(w, r, e.q.opt.MaxRunSync, true)
	if !ok {
		return
	}
	if v, err = e.q.await(ctx, v.id, terminal); err != nil {
		writeQueueError(w, err)
		return
	}
	writePieces(w, http.StatusOK, v.pieces()...)
}

type idStatus struct {
	ID     string `json:"id"`
	Status Status `json:"status"`
}

// accept reads a submission and queues it, or answers with the reason why it
// cannot.
func (e *endpoint) accept(w http.ResponseWriter, r *http.Request, limit int, sync bool) (view, bool) {
	body, err := readBody(w, r, limit)
	if err != nil {
		code := http.StatusBadRequest
		if errors.Is(err, errTooLarge) {
			w.Header().Set("Connection", "close")
			code = e.q.opt.Unknown.TooLarge
			err = fmt.Errorf("%w of %d bytes", err, limit)
		}
		writeError(w, code, err.Error())
		return view{}, false
	}
	sub, err := parseSubmission(body)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return view{}, false
	}
	sub.sync = sync
	v, err := e.q.submit(sub)
	if err != nil {
		writeQueueError(w, err)
		return view{}, false
	}
	return v, true
}

// parseSubmission reads the body of /run. It drops unknown keys, as the service
// does, and does not change input.
func parseSubmission(body []byte) (submission, error) {
	var sub submission
	fields, err := splitObject(body)
	if err != nil {
		return sub, err
	}
	for _, f := range fields {
		switch f.key {
		case "input":
			if f.raw[0] != '{' {
				return sub, errors.New("input must be a JSON object")
			}
			sub.input = f.raw
		case "webhook":
			sub.webhook, err = parseWebhook(f.raw)
		case "policy":
			err = sub.parsePolicy(f.raw)
		case "s3Config":
			if !isNull(f.raw) {
				sub.s3Config = f.raw
			}
		}
		if err != nil {
			return sub, err
		}
	}
	if sub.input == nil {
		return sub, errors.New("input is missing: the body must be {\"input\": {...}}")
	}
	return sub, nil
}

func isNull(raw []byte) bool { return bytes.Equal(raw, []byte("null")) }

func parseWebhook(raw json.RawMessage) (string, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", errors.New("webhook must be a string")
	}
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("webhook must be an http or https address")
	}
	return s, nil
}

func (s *submission) parsePolicy(raw json.RawMessage) error {
	var p *struct {
		ExecutionTimeout *float64 `json:"executionTimeout"`
		TTL              *float64 `json:"ttl"`
		LowPriority      bool     `json:"lowPriority"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return errors.New("policy must be {\"executionTimeout\": ms, \"ttl\": ms, \"lowPriority\": bool}")
	}
	if p == nil {
		return nil
	}
	s.lowPriority = p.LowPriority
	var err error
	if s.executionTimeout, err = policyTime("executionTimeout", p.ExecutionTimeout, policy.MinExecutionTimeout); err != nil {
		return err
	}
	s.ttl, err = policyTime("ttl", p.TTL, policy.MinTTL)
	return err
}

// policyTime returns ms as a duration; nil and 0 mean the endpoint's default.
func policyTime(name string, ms *float64, least time.Duration) (time.Duration, error) {
	if ms == nil || *ms == 0 {
		return 0, nil
	}
	if *ms < float64(least.Milliseconds()) || *ms > float64(policy.Max.Milliseconds()) {
		return 0, fmt.Errorf("policy.%s must be %d to %d ms", name, least.Milliseconds(), policy.Max.Milliseconds())
	}
	return time.Duration(*ms) * time.Millisecond, nil
}
