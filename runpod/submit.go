package runpod

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/gopherpod/gopherpod/tensors/bigjson"
	"github.com/gopherpod/gopherpod/worker/policy"
)

// A Request describes a job to submit.
type Request struct {
	// Input becomes the handler's job["input"]: a JSON object with at least one key
	// (the service drops an empty one, and the job fails). It is encoded as
	// encoding/json does, long strings without a copy; json.RawMessage and
	// bigjson.Segments are taken as they are.
	Input  any
	Policy Policy
	// Webhook is called when the job ends, up to three times. It must be reachable
	// from the internet.
	Webhook string
	// S3 is handed to the worker, whose code has to use it.
	S3 *S3Config
}

// A Policy limits a job. A field that is 0 is taken from Config.Policy and, if that is 0
// too, from the defaults here.
//
// Source: docs.runpod.io, Serverless, "Send API requests", execution policies.
type Policy struct {
	// ExecutionTimeout limits how long a worker may run a job; 5 s to 7 days. By default none
	// is sent, and the endpoint's own limit applies; see Endpoint.TimeLimit.
	ExecutionTimeout time.Duration
	// TTL removes a job that long after its submission, even a running one: its status
	// is then ErrNotFound. 10 s to 7 days, default 24 hours, or ExecutionTimeout plus
	// an hour if that is more.
	TTL time.Duration
	// QueueTimeout is how long the job may wait for a worker; 0 means until its ttl is over.
	// The service has no such limit, so the client keeps it: Call, and package train, cancel
	// the job if no worker has it by then, and a job that a worker has is not touched. In
	// case the client is gone by then, the default of TTL is QueueTimeout plus twice
	// ExecutionTimeout (a job that loses its worker runs a second time) plus a minute, or
	// QueueTimeout plus 24 hours if there is no ExecutionTimeout. 1 s to 7 days.
	QueueTimeout time.Duration
	// LowPriority: the job does not make the endpoint start workers.
	LowPriority bool
}

// The bounds of Policy.ExecutionTimeout, and the limit that an endpoint has by default.
const (
	MinTimeout     = policy.MinExecutionTimeout
	DefaultTimeout = policy.DefaultExecutionTimeout
	MaxTimeout     = policy.Max
)

// DefaultTTL is Policy.TTL if nobody sets it and the timeout is not longer.
const DefaultTTL = policy.DefaultTTL

// MinQueueTimeout is the least Policy.QueueTimeout.
const MinQueueTimeout = time.Second

// complete fills in zeros and checks the bounds.
func (p Policy) complete(base Policy) (Policy, error) {
	p.ExecutionTimeout = cmp.Or(p.ExecutionTimeout, base.ExecutionTimeout)
	p.QueueTimeout = cmp.Or(p.QueueTimeout, base.QueueTimeout)
	p.TTL = cmp.Or(p.TTL, base.TTL)
	p.TTL = p.Life()
	p.LowPriority = p.LowPriority || base.LowPriority
	if p.ExecutionTimeout != 0 && (p.ExecutionTimeout < MinTimeout || p.ExecutionTimeout > MaxTimeout) {
		return p, invalid(OpRun, "", "the execution timeout is %v, want 5s to 7 days", p.ExecutionTimeout)
	}
	if p.QueueTimeout != 0 && (p.QueueTimeout < MinQueueTimeout || p.QueueTimeout > MaxTimeout) {
		return p, invalid(OpRun, "", "the queue timeout is %v, want 1s to 7 days", p.QueueTimeout)
	}
	if p.TTL < policy.MinTTL || p.TTL > MaxTimeout {
		return p, invalid(OpRun, "", "the ttl is %v, want 10s to 7 days", p.TTL)
	}
	return p, nil
}

// Life returns the ttl of a job with the policy: TTL, or its default.
func (p Policy) Life() time.Duration {
	if p.TTL != 0 {
		return p.TTL
	}
	d := max(DefaultTTL, p.ExecutionTimeout+time.Hour)
	switch {
	case p.QueueTimeout > 0 && p.ExecutionTimeout > 0:
		d = p.QueueTimeout + 2*p.ExecutionTimeout + time.Minute
	case p.QueueTimeout > 0: // the endpoint's own limit is not known here
		d += p.QueueTimeout
	}
	return min(d, MaxTimeout)
}

// MarshalJSON writes milliseconds.
func (p Policy) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ExecutionTimeout int64 `json:"executionTimeout,omitempty"`
		TTL              int64 `json:"ttl"`
		LowPriority      bool  `json:"lowPriority,omitempty"`
	}{p.ExecutionTimeout.Milliseconds(), p.TTL.Milliseconds(), p.LowPriority})
}

// An S3Config is a bucket that a worker may put results into.
//
// Source: docs.runpod.io, Serverless, "Send API requests", S3-compatible storage.
type S3Config struct {
	AccessID     Secret
	AccessSecret Secret
	BucketName   string
	EndpointURL  string
	ObjectPath   string
}

// wire writes the secrets, which json.Marshal of an S3Config does not.
func (s *S3Config) wire() map[string]string {
	out := map[string]string{"accessId": s.AccessID.Reveal(), "accessSecret": s.AccessSecret.Reveal(),
		"bucketName": s.BucketName, "endpointUrl": s.EndpointURL}
	if s.ObjectPath != "" {
		out["objectPath"] = s.ObjectPath
	}
	return out
}

// Run submits a job and returns its id and status, IN_QUEUE. A body over MaxRunBody is
// ErrTooLarge and not sent.
//
// The service cannot recognise a repeated request, so Run resends one only if it was
// refused with 429 or never left this machine. If ctx is done while the request is under
// way, Run waits a few seconds for the answer, cancels the job that it names, and returns
// the cause; without an answer it returns ErrUnknownOutcome.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /run.
func (e *Endpoint) Run(ctx context.Context, r Request) (*Job, error) {
	q := QueueOf(ctx)
	if q != nil {
		r.Policy.QueueTimeout = cmp.Or(r.Policy.QueueTimeout, q.Limit)
	}
	c, err := e.submission(OpRun, r)
	if err != nil {
		return nil, err
	}
	j, err := e.doJob(ctx, c)
	if err == nil && ctx.Err() != nil {
		return j, e.interrupted(ctx, j.ID)
	}
	if err == nil && q != nil {
		q.count(j.ID, j.Status) // the wait begins now, and not at the first poll
	}
	return j, err
}

// RunSync submits a job and waits for its end, up to wait (1 s to 5 minutes; 0 means the
// service's 90 s). The returned job may still be running: continue with Wait. A result is
// kept for one minute. The error is the request's and not the job's; see Job.Err. If ctx
// is done before the answer, there is no id to cancel: prefer Run and Wait, or Call, for
// jobs that cost money.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /runsync.
func (e *Endpoint) RunSync(ctx context.Context, r Request, wait time.Duration) (*Job, error) {
	c, err := e.submission(OpRunSync, r)
	if err != nil {
		return nil, err
	}
	c.hold = 90 * time.Second
	if wait != 0 {
		if wait < time.Second || wait > 5*time.Minute {
			return nil, invalid(OpRunSync, e.ID, "the wait is %v, want 1s to 5m", wait)
		}
		c.hold = wait
		c.url += "?" + url.Values{"wait": {strconv.FormatInt(wait.Milliseconds(), 10)}}.Encode()
	}
	return e.doJob(ctx, c)
}

// submission prepares a call with a body.
func (e *Endpoint) submission(op Op, r Request) (*call, error) {
	c, err := e.call(op, "")
	if err != nil {
		return nil, err
	}
	input, err := encodeInput(r.Input)
	if err != nil {
		return nil, invalid(op, e.ID, "input: %v", err)
	}
	policy, err := r.Policy.complete(e.client.config.Policy)
	if err != nil {
		return nil, err
	}
	rest := map[string]any{"policy": policy}
	if r.Webhook != "" {
		rest["webhook"] = r.Webhook
	}
	if r.S3 != nil {
		rest["s3Config"] = r.S3.wire()
	}
	tail, err := json.Marshal(rest)
	if err != nil {
		return nil, invalid(op, e.ID, "%v", err)
	}
	tail[0] = ',' // the rest of the object that begins with the input
	whole := append(bigjson.Segments{[]byte(`{"input":`)}, input...)
	whole = append(whole, tail)
	if whole.Len() > c.spec.maxBody {
		return nil, &Error{Op: op, Endpoint: e.ID, Kind: ErrTooLarge,
			Message: fmt.Sprintf("a request of %.1f MB; %s takes %d MB", float64(whole.Len())/(1<<20), op, c.spec.maxBody>>20)}
	}
	c.body = whole
	return c, nil
}

// encodeInput checks early for what the service and its workers would refuse late.
func encodeInput(v any) (s bigjson.Segments, err error) {
	switch v := v.(type) {
	case bigjson.Segments:
		s = v
	default:
		if s, err = bigjson.Marshal(v); err != nil {
			return nil, err
		}
	}
	var start []byte
	for _, b := range s {
		if start = append(start, b[:min(len(b), 64)]...); len(start) >= 64 {
			break
		}
	}
	start = bytes.TrimLeft(start, " \t\r\n")
	if len(start) == 0 || start[0] != '{' {
		return nil, fmt.Errorf("it is not a JSON object: %.20s", start)
	}
	if start = bytes.TrimLeft(start[1:], " \t\r\n"); len(start) > 0 && start[0] == '}' {
		return nil, fmt.Errorf("an empty object; the service drops it and the job fails: send at least one key")
	}
	return s, nil
}
