package runpod

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors/bigjson"
)

// An EndpointID names an endpoint of the account.
type EndpointID string

// An Endpoint is a queue with workers behind it. Make one with Client.Endpoint.
type Endpoint struct {
	ID     EndpointID
	client *Client
}

// Client returns the client that the endpoint was made with.
func (e *Endpoint) Client() *Client { return e.client }

// Status returns a job's status. Results are kept for 30 minutes after the end, or 1
// minute after RunSync; after that, or after the job's ttl, it returns ErrNotFound. For
// half a minute after Run, Status, Stream, Cancel and Retry ask again if the service does not know the
// job yet.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /status.
func (e *Endpoint) Status(ctx context.Context, id JobID) (*Job, error) {
	c, err := e.call(OpStatus, id)
	if err != nil {
		return nil, err
	}
	return e.doJob(ctx, c)
}

// Cancel cancels a job, queued or running. A running job's worker is notified; the
// work done until then is billed.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /cancel.
func (e *Endpoint) Cancel(ctx context.Context, id JobID) (*Job, error) {
	c, err := e.call(OpCancel, id)
	if err != nil {
		return nil, err
	}
	return e.doJob(ctx, c)
}

// Abandon cancels a job for a caller whose ctx is done: it waits up to 10 s
// regardless of ctx, and up to 45 s for a job that was submitted a moment ago, which the service
// may not know yet.
func (e *Endpoint) Abandon(ctx context.Context, id JobID) error {
	limit := 10 * time.Second
	if e.client.submitted.recent(e.ID, id) {
		limit = 45 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	_, err := e.Cancel(ctx, id)
	return err
}

// Retry puts a job that failed or timed out into the queue again, with the same id and
// input; its earlier output is removed. The new attempt is billed too.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /retry.
func (e *Endpoint) Retry(ctx context.Context, id JobID) (*Job, error) {
	c, err := e.call(OpRetry, id)
	if err != nil {
		return nil, err
	}
	return e.doJob(ctx, c)
}

// PurgeQueue removes the waiting jobs and returns how many. Running jobs continue.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /purge-queue.
func (e *Endpoint) PurgeQueue(ctx context.Context) (removed int, err error) {
	c, err := e.call(OpPurgeQueue, "")
	if err != nil {
		return 0, err
	}
	var out struct {
		Removed *int `json:"removed"`
	}
	if err := e.client.into(ctx, c, &out); err != nil {
		return 0, err
	}
	if out.Removed == nil {
		return 0, &Error{Op: c.op, Endpoint: e.ID, Kind: ErrBadAnswer, Message: "no count of removed jobs"}
	}
	return *out.Removed, nil
}

// A Health counts an endpoint's jobs and workers. Workers are a gauge: it may
// disagree with the list of workers for a while.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /health; all six
// worker counts as RunPod's own tools show them.
type Health struct {
	Jobs struct {
		Completed  int `json:"completed"`
		Failed     int `json:"failed"`
		InProgress int `json:"inProgress"`
		InQueue    int `json:"inQueue"`
		Retried    int `json:"retried"`
	} `json:"jobs"`
	Workers struct {
		Idle         int `json:"idle"`
		Initializing int `json:"initializing"`
		Ready        int `json:"ready"`
		Running      int `json:"running"`
		Throttled    int `json:"throttled"`
		Unhealthy    int `json:"unhealthy"`
	} `json:"workers"`
}

// Health returns the counts of the endpoint.
func (e *Endpoint) Health(ctx context.Context) (*Health, error) {
	c, err := e.call(OpHealth, "")
	if err != nil {
		return nil, err
	}
	h := new(Health)
	if err := e.client.into(ctx, c, h); err != nil {
		return nil, err
	}
	return h, nil
}

// call prepares an operation.
func (e *Endpoint) call(op Op, id JobID) (*call, error) {
	if err := checkID(string(e.ID)); err != "" {
		return nil, invalid(op, e.ID, "endpoint id %.80q: %s", string(e.ID), err)
	}
	spec := ops[op]
	c := &call{op: op, spec: spec, endpoint: e.ID, job: id, method: spec.method,
		url: e.client.config.BaseURL + "/" + string(e.ID) + "/" + string(op), header: http.Header{}}
	switch op {
	case OpStatus, OpStream, OpCancel, OpRetry:
		if err := checkID(string(id)); err != "" {
			return nil, invalid(op, e.ID, "job id %.80q: %s", string(id), err)
		}
		c.url += "/" + string(id)
	}
	return c, nil
}

// checkID returns why an id cannot be a path segment, or "".
func checkID(id string) string {
	switch {
	case id == "":
		return "it is empty"
	case len(id) > 200:
		return "it is too long"
	case strings.Trim(id, ".") == "":
		return "it is a path"
	}
	for _, c := range []byte(id) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("-_.", rune(c)) {
			return "ids are letters, digits, -, _ and ."
		}
	}
	return ""
}

// doJob makes a call whose answer is a job.
func (e *Endpoint) doJob(ctx context.Context, c *call) (*Job, error) {
	var w wireJob
	if err := e.client.into(ctx, c, &w); err != nil {
		return nil, err
	}
	if w.ID == "" || w.Status == "" {
		// A 200 may carry nothing but an error.
		message := "no job in it"
		if len(w.Error) > 0 {
			message = oneLine(string(w.Error))
		}
		return nil, c.fail(ErrBadAnswer, &reply{status: http.StatusOK}, message)
	}
	if c.op == OpRun || c.op == OpRunSync {
		e.client.submitted.add(e.ID, w.ID, time.Now())
	}
	return w.job(e.ID), nil
}

// into makes a call and decodes its answer.
func (c *Client) into(ctx context.Context, call *call, v any) error {
	r, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	r.body = call.hide(r.body)
	if err := bigjson.Unmarshal(r.body, v); err != nil {
		e := call.fail(ErrBadAnswer, r, said(r))
		if json.Valid(r.body) {
			e.Message = err.Error()
		}
		e.Cause = err
		if !call.spec.repeatable && call.method != http.MethodGet {
			e.Kind = ErrUnknownOutcome // 2xx: it was accepted, most likely
		}
		return e
	}
	return nil
}
