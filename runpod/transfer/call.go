package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/tensors/bigjson"
	"github.com/gopherpod/gopherpod/worker"
)

// ErrResult is the error for an answer that does not fit the request.
var ErrResult = errors.New("unexpected answer from the endpoint")

// ErrNoOutput means that the service reports COMPLETED and has no output, because it
// refused the worker's result. The work is done and billed, and the worker may have kept its
// result; see train.Collect.
var ErrNoOutput = fmt.Errorf("%w: RunPod says COMPLETED and has no output; it refused what the worker sent", ErrResult)

// Call runs a request as a job, waits for its end and returns its output; without one the
// error wraps ErrNoOutput. When ctx is done, Call cancels the job.
func Call(ctx context.Context, e *runpod.Endpoint, r *worker.Request, p runpod.Policy) (json.RawMessage, error) {
	submitted := time.Now()
	job, err := e.Call(ctx, runpod.Request{Input: r, Policy: p})
	if job != nil {
		budget.Ran(ctx, job, submitted)
	}
	budget.Doubt(ctx, err)
	switch {
	case errors.Is(err, runpod.ErrTooLarge) && job == nil:
		return nil, &sizeError{Size(r), runpod.MaxRunBody}
	case err != nil:
		return nil, JobError(err)
	}
	return job.Output, HasOutput(job)
}

// HasOutput returns an error that wraps ErrNoOutput if a job that completed has no output.
func HasOutput(job *runpod.Job) error {
	if len(job.Output) == 0 || string(job.Output) == "null" {
		return fmt.Errorf("train: job %s: %w", job.ID, ErrNoOutput)
	}
	return nil
}

// JobError returns the error that a job ended with: the worker's own *worker.Error if it
// sent one.
func JobError(err error) error {
	var failed *runpod.JobError
	if errors.As(err, &failed) && failed.Detail != nil {
		var w worker.Error
		if json.Unmarshal(failed.Detail, &w) == nil && known(w.Kind) {
			return fmt.Errorf("train: job %s: %w", failed.JobID, &w)
		}
	}
	return fmt.Errorf("train: %w", err)
}

func known(k worker.ErrorKind) bool {
	switch k {
	case worker.ErrInvalid, worker.ErrUnsupported, worker.ErrDiverged, worker.ErrMemory, worker.ErrMissing, worker.ErrDamaged, worker.ErrInternal:
		return true
	}
	return false
}

// Decode decodes an answer. It reads large strings at memory speed.
func Decode(output json.RawMessage, v any) error { return bigjson.Unmarshal(output, v) }

// TooLarge returns a runpod.ErrTooLarge for the request that names both sizes.
func TooLarge(r *worker.Request) error { return &sizeError{Size(r), runpod.MaxRunBody} }

// A sizeError is a runpod.ErrTooLarge that names both sizes.
type sizeError struct{ bytes, limit int }

func (e *sizeError) Error() string {
	return fmt.Sprintf("the request takes %.1f MB and the endpoint accepts %.1f MB; send fewer samples or columns", mb(e.bytes), mb(e.limit))
}
func (e *sizeError) Unwrap() error { return runpod.ErrTooLarge }

func mb(n int) float64 { return float64(n) / 1e6 }
