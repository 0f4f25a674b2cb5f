package runpod

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// There is one sentinel for each decision that a caller can take. Every error of the package,
// except the cause of a context that is done, unwraps to one of them.
var (
	// ErrInvalid means that the request is not valid. Nothing was sent.
	ErrInvalid = errors.New("invalid request")
	// ErrBadRequest means that the service refused the request as malformed (400, 422).
	ErrBadRequest = errors.New("refused as malformed")
	// ErrUnauthorized means that the key is missing or wrong (401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden means that the key is valid but not allowed to do this (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound means that there is no such endpoint or job, or that the job's result
	// has expired (404).
	ErrNotFound = errors.New("not found")
	// ErrExpired means, together with ErrNotFound, that the job waited in the queue until its
	// ttl was over, or until the queue was purged: no worker has had it, and it is not billed.
	ErrExpired = errors.New("removed from the queue because its ttl was over, or because the queue was purged; it is not billed")
	// ErrConflict means that the resource exists already, or that its state does not
	// allow this (409).
	ErrConflict = errors.New("conflict")
	// ErrRateLimited means that there were too many requests, or that too many jobs are in
	// the queue (429).
	ErrRateLimited = errors.New("rate limited")
	// ErrTooLarge means that the request is over the service's limit, or the answer over
	// Config.MaxAnswer.
	ErrTooLarge = errors.New("too large")
	// ErrUnreachable means that there was no answer, and that the request was not accepted
	// or changes nothing.
	ErrUnreachable = errors.New("unreachable")
	// ErrServer means that the service failed (5xx) at a request that changes nothing.
	ErrServer = errors.New("server error")
	// ErrUnknownOutcome means that the request may have been accepted, so a job may exist
	// and be billed; the request was not resent.
	ErrUnknownOutcome = errors.New("outcome unknown: the request may have been accepted")
	// ErrBadAnswer means that the answer does not fit the operation.
	ErrBadAnswer = errors.New("bad answer")

	// ErrJobFailed, ErrJobCancelled and ErrJobTimedOut report how a job ended without
	// success. The error is a *JobError.
	ErrJobFailed    = errors.New("job failed")
	ErrJobCancelled = errors.New("job cancelled")
	ErrJobTimedOut  = errors.New("job timed out")
)

// An Error is a request that did not succeed.
type Error struct {
	Op       Op
	Endpoint EndpointID // empty for the management API
	JobID    JobID      // empty unless the operation is about a job
	Kind     error      // one of the sentinels
	// StatusCode is the HTTP status of the answer, 0 if there was none.
	StatusCode int
	// Message is the service's message, in one line of at most 500 characters, or says
	// what is wrong with the request.
	Message string
	// RetryAfter is how long the service asked to wait, 0 when it did not.
	RetryAfter time.Duration
	// Cause is the underlying error, mostly one of the network. It may be nil.
	Cause error
}

// Error returns a text such as "runpod: run: unauthorized (401): bad key".
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "runpod: %s: ", e.Op)
	if e.JobID != "" {
		fmt.Fprintf(&b, "job %s: ", e.JobID)
	}
	b.WriteString(e.Kind.Error())
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, " (%d)", e.StatusCode)
	}
	switch {
	case e.Message != "":
		b.WriteString(": " + e.Message)
	case e.Cause != nil:
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns Kind and Cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// invalid returns an error about a request that was not sent.
func invalid(op Op, endpoint EndpointID, format string, args ...any) error {
	return &Error{Op: op, Endpoint: endpoint, Kind: ErrInvalid, Message: fmt.Sprintf(format, args...)}
}
