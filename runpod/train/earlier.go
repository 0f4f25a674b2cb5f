package train

import (
	"context"
	"errors"

	"github.com/gopherpod/gopherpod/runpod"
)

// An earlier is what a journal knows of a training that began before this process:
// its job is followed, and submitted again only where the endpoint has forgotten it or
// somebody cancelled it. Then the worker knows it by its run id: a training that was
// finished is answered from what it kept, one that was cut goes on.
type earlier struct {
	RunID string       `json:"run_id"`
	JobID runpod.JobID `json:"job_id,omitempty"` // empty: whether one was accepted is not known

	// note is told before a job is submitted, and when it is accepted.
	note func(runID string, job runpod.JobID)
}

// run is the id of the run, a new one where there was none.
func (e *earlier) run() string {
	if e == nil || e.RunID == "" {
		return newRunID()
	}
	return e.RunID
}

func (e *earlier) began(runID string, job runpod.JobID) {
	if e != nil && e.note != nil {
		e.note(runID, job)
	}
}

// take is the job to follow, once.
func (e *earlier) take() (id runpod.JobID) {
	if e != nil {
		id, e.JobID = e.JobID, ""
	}
	return id
}

// over tells whether a job that was followed has nothing to give, so that another one
// is submitted.
func over(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (errors.Is(err, runpod.ErrNotFound) || errors.Is(err, runpod.ErrJobCancelled))
}
