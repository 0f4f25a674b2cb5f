package runpod

import (
	"bytes"
	"cmp"
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
		var status Status
		wait, queue := newPacer(e.client), QueueOf(ctx)
		defer queue.leave(id)
		for {
			job, err := e.Status(ctx, id)
			if err != nil {
				err = wait.outage(ctx, expired(status, err))
			} else {
				status = job.Status
			}
			if err == nil {
				err = queue.saw(ctx, e, id, status)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if job == nil {
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
			if err := wait.pause(ctx, queue); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

func changed(a, b *Job) bool {
	return a.Status != b.Status || a.WorkerID != b.WorkerID || a.Retries != b.Retries || !bytes.Equal(a.Output, b.Output)
}

// expired adds to the error of a poll that the job is gone from the queue, given the status
// that it had at the last poll.
func expired(last Status, err error) error {
	var e *Error
	if last == StatusInQueue && errors.Is(err, ErrNotFound) && errors.As(err, &e) {
		gone := *e
		gone.Message, gone.Cause = ErrExpired.Error(), ErrExpired
		return &gone
	}
	return err
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
// that, the job is cancelled, as it is if no worker takes it within Policy.QueueTimeout.
func (e *Endpoint) Call(ctx context.Context, r Request) (*Job, error) {
	ctx = LimitQueue(ctx, cmp.Or(r.Policy.QueueTimeout, e.client.config.Policy.QueueTimeout), time.Time{})
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
func (p *pacer) pause(ctx context.Context, q *Queue) error {
	p.since = time.Time{}
	err := pause.For(ctx, q.pause(p.next))
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
