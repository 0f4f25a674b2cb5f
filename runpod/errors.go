package runpod

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// One sentinel for each decision that a caller can take. Every error of the package,
// except the cause of a context that is done, unwraps to one of them.
var (
	// ErrInvalid: the request cannot be sent as it is. Nothing was sent.
	ErrInvalid = errors.New("invalid request")
	// ErrBadRequest: the service refused the request as malformed (400, 422).
	ErrBadRequest = errors.New("refused as malformed")
	// ErrUnauthorized: the key is missing or wrong (401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the key is valid but not allowed to do this (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: no such endpoint or job, or the job's result has expired (404).
	ErrNotFound = errors.New("not found")
	// ErrConflict: it exists already, or its state does not allow this (409).
	ErrConflict = errors.New("conflict")
	// ErrRateLimited: too many requests, or too many jobs in the queue (429).
	ErrRateLimited = errors.New("rate limited")
	// ErrTooLarge: the request is over the service's limit, or the answer over
	// Config.MaxAnswer.
	ErrTooLarge = errors.New("too large")
	// ErrUnreachable: there was no answer, and the request was not accepted or
	// changes nothing.
	ErrUnreachable = errors.New("unreachable")
	// ErrServer: the service failed (5xx) at a request that changes nothing.
	ErrServer = errors.New("server error")
	// ErrUnknownOutcome: the request may have been accepted, so a job may exist and
	// be billed; the request was not resent.
	ErrUnknownOutcome = errors.New("outcome unknown: the request may have been accepted")
	// ErrBadAnswer: the answer does not fit the operation.
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
	JobID    JobID      // if the operation is about one
	Kind     error      // one of the sentinels
	// StatusCode of the answer, 0 when there was none.
	StatusCode int
	// Message is what the service said, in one line of at most 500 characters, or
	// what is wrong with the request.
	Message string
	// RetryAfter is how long the service asked to wait, 0 when it did not.
	RetryAfter time.Duration
	// Cause is the error beneath, of the network above all. It may be nil.
	Cause error
}

// Error reads "runpod: run: unauthorized (401): bad key".
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
