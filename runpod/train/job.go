package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/worker"
)

// within returns a policy completed for the endpoint's own time limit, and how long a job
// with it may run.
func within(ctx context.Context, e *runpod.Endpoint, p runpod.Policy) (runpod.Policy, time.Duration) {
	if p.ExecutionTimeout > 0 {
		return p, p.ExecutionTimeout
	}
	l := e.TimeLimit(ctx)
	return l.Policy(p), l.Time
}

// submit submits a request as a job. If ctx is done before the job is accepted, the error
// is an *InterruptedError.
func submit(ctx context.Context, e *runpod.Endpoint, r *worker.Request, p runpod.Policy) (*runpod.Job, error) {
	job, err := e.Run(ctx, runpod.Request{Input: r, Policy: p})
	budget.Doubt(ctx, err)
	switch {
	case err == nil:
		return job, nil
	case ctx.Err() != nil:
		cut := &InterruptedError{Cause: context.Cause(ctx), Cancelled: true}
		if job != nil {
			cut.JobID = job.ID
		}
		// Any error other than ErrUnreachable means that a job may have been accepted and
		// may still run.
		var open *runpod.Error
		if errors.As(err, &open) && open.Kind != runpod.ErrUnreachable {
			cut.Cancelled, cut.CancelErr = false, err
		}
		return nil, cut
	case errors.Is(err, runpod.ErrTooLarge):
		return nil, transfer.TooLarge(r)
	}
	return nil, fmt.Errorf("train: %w", err)
}

// A follower reads a training job: its stream while it runs and, if the stream lost
// events, its final output.
type follower struct {
	collector worker.Collector
	onEvent   func(Event)
	id        runpod.JobID
	status    runpod.Status
	seen      int  // number of events taken
	last      int  // number of the last event, -1 until it has arrived
	detached  bool // do not cancel the job when ctx is done
	trained   bool // whether an epoch or a batch was reported
}

// follow returns when the job has ended and the collector has all events.
func (f *follower) follow(ctx context.Context, e *runpod.Endpoint, job *runpod.Job) error {
	f.id, f.last = job.ID, -1
	f.setStatus(job.Status)
	// Once all events have arrived, the result is complete, whatever status the service
	// reports after that. So do not wait for it for long.
	watching, enough := context.WithCancel(ctx)
	defer enough()
	var settled *time.Timer
	for update, err := range e.Follow(watching, f.id) {
		// The error of another job can be the cause of ctx, as in a sweep.
		if late := (*runpod.QueueTimeoutError)(nil); errors.As(err, &late) && late.JobID == f.id {
			return fmt.Errorf("train: %w", err)
		}
		if err != nil {
			break // Wait, below, gets the same error or the output
		}
		f.setStatus(update.Status)
		for _, chunk := range update.Chunks {
			var event worker.Event
			if transfer.Decode(chunk, &event) == nil {
				f.take(event) // ignore the error: heal reports events of another run
			}
		}
		if ctx.Err() != nil {
			break
		}
		if f.complete() && settled == nil {
			settled = time.AfterFunc(settleTime, enough)
			defer settled.Stop()
		}
	}
	if f.complete() {
		return nil
	}
	if ctx.Err() != nil {
		return f.interrupt(ctx, e)
	}
	ended, err := e.Wait(ctx, f.id)
	switch {
	case err != nil && ctx.Err() != nil:
		return f.interrupt(ctx, e)
	case err != nil:
		return transfer.JobError(err)
	}
	f.setStatus(ended.Status)
	if err := transfer.HasOutput(ended); err != nil {
		return err
	}
	return f.heal(ended.Output)
}

// settleTime is how long a job may take to end after its last event has arrived.
const settleTime = 10 * time.Second

// complete reports whether all events have arrived.
func (f *follower) complete() bool { return f.last >= 0 && f.seen == f.last+1 }

// heal takes the events that the stream lost from the final output.
func (f *follower) heal(output json.RawMessage) error {
	var events []worker.Event
	if err := transfer.Decode(output, &events); err != nil {
		return fmt.Errorf("train: job %s: %w: its output is not a list of events: %w", f.id, ErrResult, err)
	}
	for _, event := range events {
		if err := f.take(event); err != nil {
			return fmt.Errorf("train: job %s: %w: %w", f.id, ErrResult, err)
		}
	}
	return nil
}

// take collects an event and reports it if it is new.
func (f *follower) take(event worker.Event) error {
	fresh, err := f.collector.Add(event)
	if err != nil || !fresh {
		return err
	}
	f.seen++
	if event.Type == worker.EventEpoch || event.Type == worker.EventBatch {
		f.trained = true
	}
	if event.Type == worker.EventDone {
		f.last = event.Seq
	}
	f.tell(Event{JobID: f.id, Status: f.status, Event: event})
	return nil
}

func (f *follower) setStatus(s runpod.Status) {
	if s != "" && s != f.status {
		f.status = s
		f.tell(Event{JobID: f.id, Status: s})
	}
}

func (f *follower) tell(e Event) {
	if f.onEvent != nil {
		f.onEvent(e)
	}
}

// interrupt cancels the job because the caller's context is done.
func (f *follower) interrupt(ctx context.Context, e *runpod.Endpoint) error {
	if f.detached {
		return ErrDetached
	}
	err := e.Abandon(ctx, f.id)
	if err != nil && f.ended(ctx, e) {
		err = nil
	}
	return &InterruptedError{
		JobID: f.id, Cancelled: err == nil, CancelErr: err,
		Epochs: len(f.collector.History()), Cause: context.Cause(ctx),
	}
}

// count adds the job to the charge of ctx, if there is one.
func (f *follower) count(ctx context.Context, e *runpod.Endpoint, submitted time.Time) {
	if !budget.Counts(ctx) {
		return
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookAgain)
	defer cancel()
	job, err := e.Status(asking, f.id)
	switch {
	case err == nil:
	case f.trained || f.status != runpod.StatusInQueue:
		job = nil // the endpoint has forgotten the job, or cannot be reached
	default:
		return // as far as we know, no worker had it
	}
	budget.Ran(ctx, job, submitted)
}

// ended reports whether the job is over. A job that is over cannot be cancelled, so an
// error of the cancellation does not matter then.
func (f *follower) ended(ctx context.Context, e *runpod.Endpoint) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookAgain)
	defer cancel()
	job, err := e.Status(ctx, f.id)
	return err == nil && job.Status.Terminal()
}

// lookAgain is the timeout of that question. It is short because someone has pressed stop
// and is waiting.
const lookAgain = 2 * time.Second
