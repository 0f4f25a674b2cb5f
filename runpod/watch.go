package runpod

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gopherpod/gopherpod/tensors/pause"
)

// patience is how long a job is polled through an outage. The job continues meanwhile,
// and its result is kept for 30 minutes.
const patience = 5 * time.Minute

// Watch polls a job until it ends. It yields the job at first and whenever its status,
// worker, retries or output have changed; the last one is terminal. Between polls it
// pauses for Config.PollMin, growing to PollMax. An error ends it, but an outage of the
// network or the service only after five minutes.
func (e *Endpoint) Watch(ctx context.Context, id JobID) iter.Seq2[*Job, error] {
	return func(yield func(*Job, error) bool) {
		var last *Job
		wait := newPacer(e.client)
		for {
			job, err := e.Status(ctx, id)
			if err != nil {
				if again := wait.outage(ctx, err); again != nil {
					yield(nil, again)
					return
				}
				continue
			}
			if last == nil || changed(last, job) {
				if !yield(job, nil) {
					return
				}
			}
			if last = job; job.Status.Terminal() {
				return
			}
			if err := wait.pause(ctx); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

func changed(a, b *Job) bool {
	return a.Status != b.Status || a.WorkerID != b.WorkerID || a.Retries != b.Retries || !bytes.Equal(a.Output, b.Output)
}

// Wait watches a job until it ends. If the job did not succeed, Wait returns the job and
// its *JobError.
func (e *Endpoint) Wait(ctx context.Context, id JobID) (*Job, error) {
	var last *Job
	for job, err := range e.Watch(ctx, id) {
		if err != nil {
			return last, err
		}
		last = job
	}
	return last, last.Err()
}

// Call submits a job and waits for its end, as Run and Wait do. If ctx is done before
// that, the job is cancelled.
func (e *Endpoint) Call(ctx context.Context, r Request) (*Job, error) {
	job, err := e.Run(ctx, r)
	if err != nil {
		return job, err
	}
	id := job.ID
	job, err = e.Wait(ctx, id)
	if err != nil && ctx.Err() != nil && (job == nil || !job.Status.Terminal()) {
		return job, e.interrupted(ctx, id)
	}
	return job, err
}

// interrupted cancels a job and returns an error that reports whether that worked.
func (e *Endpoint) interrupted(ctx context.Context, id JobID) error {
	if err := e.Abandon(ctx, id); err != nil {
		return fmt.Errorf("runpod: %w; job %s goes on because it could not be cancelled: %w", context.Cause(ctx), id, err)
	}
	return fmt.Errorf("runpod: %w; job %s was cancelled", context.Cause(ctx), id)
}

// A pacer spaces the polls of a job.
type pacer struct {
	min, max time.Duration
	next     time.Duration
	since    time.Time // when the current series of failures began
}

func newPacer(c *Client) *pacer {
	return &pacer{min: c.config.PollMin, max: c.config.PollMax, next: c.config.PollMin}
}

// pause waits, each time 1.5 times as long as before.
func (p *pacer) pause(ctx context.Context) error {
	p.since = time.Time{}
	err := pause.For(ctx, p.next)
	p.next = min(p.next+p.next/2, p.max)
	return err
}

// soon makes the next pause short again.
func (p *pacer) soon() { p.next = p.min }

// outage waits after a temporary error. It returns other errors, and those that have
// lasted.
func (p *pacer) outage(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrServer) && !errors.Is(err, ErrRateLimited) {
		return err
	}
	if p.since.IsZero() {
		p.since = time.Now()
	}
	if time.Since(p.since) > patience {
		return err
	}
	return pause.For(ctx, p.max)
}
