package train

import (
	"context"
	"errors"

	"github.com/gopherpod/gopherpod/runpod"
)

// A Resume names a training that an earlier process began. Run follows its job, and
// submits another one only if the endpoint has forgotten the job or somebody cancelled
// it. The worker knows the new job by its run id: it answers a training that was
// finished from what it kept, and continues one that was cut off. The zero value begins
// a new run.
type Resume struct {
	RunID string       `json:"run_id"`
	JobID runpod.JobID `json:"job_id,omitempty"` // empty: nobody knows whether a job was accepted
}

// submitting tells Options.OnSubmit that a job is about to be submitted, or, with its
// id, that it was accepted.
func (p *Plan) submitting(job runpod.JobID) {
	if tell := p.options.OnSubmit; tell != nil {
		tell(p.RunID, job)
	}
}

// earlierJob returns the job of an earlier process that is to be followed. It does so
// once, so that a plan that runs again submits its own.
func (p *Plan) earlierJob() (id runpod.JobID) {
	id, p.options.Resume.JobID = p.options.Resume.JobID, ""
	return id
}

// nothingLeft reports whether a job that was followed has no result to give, so that
// another one has to be submitted.
func nothingLeft(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (errors.Is(err, runpod.ErrNotFound) || errors.Is(err, runpod.ErrJobCancelled))
}
