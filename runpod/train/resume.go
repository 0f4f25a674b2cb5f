package train

import (
	"context"
	"errors"

	"github.com/gopherpod/gopherpod/runpod"
)

// A Resume names a training that an earlier process began. Run follows its job, and
// submits another one only if the endpoint has forgotten the job or someone cancelled
// it. The worker recognizes the run id of the new job: if the training was finished, it
// answers with the result that it kept; if it was interrupted, it continues it. The zero
// value begins a new run.
type Resume struct {
	RunID string       `json:"run_id"`
	JobID runpod.JobID `json:"job_id,omitempty"` // empty: it is not known whether a job was accepted
}

// submitting calls Options.OnSubmit: with an empty id before a job is submitted, and with
// its id after it was accepted.
func (p *Plan) submitting(job runpod.JobID) {
	if tell := p.options.OnSubmit; tell != nil {
		tell(p.RunID, job)
	}
}

// earlierJob returns the id of the job that an earlier process submitted, if there is one to
// follow. It returns it only once, so that a plan that runs again submits its own job.
func (p *Plan) earlierJob() (id runpod.JobID) {
	id, p.options.Resume.JobID = p.options.Resume.JobID, ""
	return id
}

// nothingLeft reports whether a followed job has no result, so that another one has to be
// submitted. err is the error of following it.
func nothingLeft(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (errors.Is(err, runpod.ErrNotFound) || errors.Is(err, runpod.ErrJobCancelled))
}
