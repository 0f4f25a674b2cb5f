package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors/pause"
	"github.com/gopherpod/gopherpod/worker"
)

// ErrDetached: Attach was left; the job goes on.
var ErrDetached = errors.New("left; the run goes on")

// ErrGone: the endpoint knows the job no more, and its workers keep nothing of it.
var ErrGone = errors.New("the endpoint knows the run's job no more")

// Attach follows a run of the store to its end, from this process or another one that
// has gone: OnEvent gets the epochs that are known already, then what comes. The model
// is that of a finished run, as Fit returns it; it has the weights where the endpoint
// has its result still (RunPod keeps it for 30 minutes), or its workers do (Collect).
//
// When ctx ends the job goes on, and the error wraps ErrDetached. A run that was
// interrupted or that failed gives the model so far with the error that says so;
// ErrGone means that only the store's epochs are left. Attach writes into the store how an
// open run ended if the job's own status says so; a run that has ended there stays as it
// is, and so does one whose endpoint refuses the question. Of Options, Endpoint, Runs,
// OnEvent, Observers, Rate and Store are used; Endpoint nil is the one that the run names.
func Attach(ctx context.Context, r runs.Run, o Options) (*Model, error) {
	var record Record
	if err := json.Unmarshal(r.Record, &record); err != nil || record.Model == nil {
		return nil, fmt.Errorf("train: run %s: its record cannot be read: %w", r.ID, errors.Join(err, errors.New("damaged, or of another version")))
	}
	if o.Runs == nil {
		o.Runs = runs.FromEnv()
	}
	if o.Endpoint == nil {
		place, err := LocateRun(r)
		if err != nil {
			return nil, err
		}
		o.Endpoint = place.Endpoint
	}
	p := &Plan{
		RunID: r.ID, Model: record.Model, Hyperparameters: record.Hyperparameters, Input: record.Input, Output: record.Output,
		Parameters: record.Parameters, StartEpoch: record.StartEpoch, options: o, attached: &record,
	}
	a := &attachment{plan: p, run: r}
	p.observe()
	p.observers.begin(p)
	m, err := a.follow(ctx)
	p.observers.end(m, err)
	return m, err
}

type attachment struct {
	plan *Plan
	run  runs.Run
}

func (a *attachment) follow(ctx context.Context) (*Model, error) {
	p, e := a.plan, a.plan.options.Endpoint
	record := p.resume(ctx, a.run)
	f := &follower{detached: true, onEvent: func(e Event) {
		record.event(e)
		p.observers.event(e)
	}}
	f.collector.RunID = p.RunID
	if err := a.replay(ctx, f); err != nil {
		record.leave()
		return nil, err
	}
	if a.run.Job == "" {
		if left := a.submitted(ctx); left != nil {
			record.leave()
			return p.unfinished("", e, nil), fmt.Errorf("train: run %s: %w", a.run.ID, left)
		}
		record.submitted(a.run.Job)
	}
	err := ErrGone
	if a.run.Job != "" {
		err = f.follow(ctx, e, &runpod.Job{ID: runpod.JobID(a.run.Job)})
	}
	if errors.Is(err, ErrDetached) || errors.Is(err, runpod.ErrUnreachable) {
		record.leave()
		return p.unfinished(runpod.JobID(a.run.Job), e, f.collector.History()), fmt.Errorf("train: run %s: %w", a.run.ID, err)
	}
	ended := jobEnded(err)
	m, err := a.result(ctx, f, err)
	if ended && a.run.State == runs.Open {
		record.end(ctx, p, m, err)
	} else {
		record.learn(p, m)
		record.leave()
	}
	return m, err
}

// jobEnded reports whether a job that was followed to err has ended: it completed, or its
// own status says how it ended. A question that failed (no key, 401, 404) says nothing
// about the job, which may run and be billed, and ends no run in the store.
func jobEnded(err error) bool {
	var job *runpod.JobError
	var told *worker.Error // by the job's worker
	return err == nil || errors.As(err, &job) || errors.As(err, &told)
}

// unsubmitted is how long a run without a job is waited for: its data may be on their way,
// or the process that sent them is gone.
const unsubmitted = time.Minute

// submitted waits until an open run has its job. The error is that of ctx.
func (a *attachment) submitted(ctx context.Context) error {
	store := a.plan.options.Runs
	if store == nil || a.run.State != runs.Open {
		return nil
	}
	until, told := time.Now().Add(unsubmitted), false
	for a.run.Job == "" && a.run.State == runs.Open && time.Now().Before(until) {
		if !told {
			told = true
			a.plan.observers.notice("its job is not submitted yet")
		}
		if pause.For(ctx, 100*time.Millisecond) != nil {
			return ErrDetached
		}
		if r, err := store.Get(ctx, a.run.ID); err == nil {
			a.run = r
		}
	}
	return nil
}

// replay takes the events that the store has.
func (a *attachment) replay(ctx context.Context, f *follower) error {
	if a.plan.options.Runs == nil {
		return nil
	}
	events, err := a.plan.options.Runs.Events(ctx, a.run.ID)
	if err != nil {
		return err
	}
	f.id = runpod.JobID(a.run.Job)
	for _, e := range events {
		var event worker.Event
		if json.Unmarshal(e.Data, &event) == nil && event.RunID == f.collector.RunID {
			f.take(event)
		}
	}
	return nil
}

// result is the model of a run that is over, whose job ended with err. If the job
// has no result to give, what the workers keep of the run counts.
func (a *attachment) result(ctx context.Context, f *follower, err error) (*Model, error) {
	p, e := a.plan, a.plan.options.Endpoint
	job := &runpod.Job{ID: runpod.JobID(a.run.Job)}
	var r *worker.TrainResult
	if err == nil {
		if r, err = f.collector.Result(); err == nil {
			err = p.fetchStates(ctx, e, r)
		}
		if err == nil {
			_, err = p.rebuild(ctx, e, r)
		}
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(ctx, collectTime)
		defer cancel()
		kept, missing := Collect(ctx, e, p.RunID, nil)
		if missing == nil {
			missing = p.fetchStates(ctx, e, kept)
		}
		if missing == nil {
			r = kept
			if complete(kept) {
				err = nil
			}
		} else if errors.Is(err, runpod.ErrNotFound) {
			err = ErrGone
		}
	}
	refused := errors.Is(err, runpod.ErrUnauthorized) || errors.Is(err, runpod.ErrForbidden)
	if err != nil && !refused && (errors.Is(err, runpod.ErrJobCancelled) || a.run.State == runs.Interrupted) {
		err = &InterruptedError{JobID: job.ID, Cancelled: true, Weights: r != nil, Epochs: len(f.collector.History()), Cause: err}
	} else if err != nil {
		err = fmt.Errorf("train: run %s: %w", a.run.ID, err)
	}
	if r == nil {
		m := p.unfinished(job.ID, e, f.collector.History())
		m.Receipt = p.receipt(m)
		return m, err
	}
	m, bad := p.finished(job, e, r)
	m.Receipt = p.receipt(m)
	if cut := (*InterruptedError)(nil); errors.As(err, &cut) {
		cut.Epochs = m.trained() - p.StartEpoch // a worker finishes more than it reports in time
	}
	return m, errors.Join(err, bad)
}

// complete reports whether a collected result is that of a training that ended by itself.
func complete(r *worker.TrainResult) bool {
	return r.Stopped != worker.StoppedInterrupted && r.Stopped != worker.StoppedFailed
}

// fetchStates gets the states of a result that lie in the bucket.
func (p *Plan) fetchStates(ctx context.Context, e *runpod.Endpoint, r *worker.TrainResult) (err error) {
	if r.Uploaded == nil {
		return nil
	}
	s := p.options.Store
	if s == nil {
		if s, err = place.StoreOf(e); err != nil {
			return fmt.Errorf("train: the states: %w", err)
		}
	}
	return transfer.FetchStates(ctx, s, r)
}

// resume is record for a run that is in the store.
func (p *Plan) resume(ctx context.Context, run runs.Run) *recorder {
	if p.options.Runs == nil {
		return nil
	}
	r := &recorder{store: p.options.Runs, tell: p.observers.notice, run: run, stop: make(chan struct{}), stopped: make(chan struct{})}
	go r.write(context.WithoutCancel(ctx))
	return r
}

// learn notes the epochs of a model that has more of them than the store: the worker of
// a cancelled job finishes its batch, and what it kept is whole. How the run ended stays
// as it is.
func (r *recorder) learn(p *Plan, m *Model) {
	if r == nil || m == nil || m.History.Len() == 0 {
		return
	}
	r.mu.Lock()
	more := m.trained() > r.run.Epochs
	if more {
		r.run.Seconds, r.run.Record = m.Seconds, p.recordOf(m)
		r.epoch(m.History.Records[m.History.Len()-1])
	}
	r.mu.Unlock()
	if more {
		r.put(context.Background())
	}
}

// leave ends the writing and changes nothing in what the store says of the run's end.
func (r *recorder) leave() {
	if r == nil {
		return
	}
	close(r.stop)
	<-r.stopped
	r.flush(context.Background())
}

// Lost marks the open runs of a store whose endpoint was on this machine and is there no
// more, and returns those that are still open, newest first. Only an endpoint whose port
// refuses connections counts as gone: one that is slow to answer may be at work.
func Lost(ctx context.Context, store runs.Store) (open []runs.Run, err error) {
	list, _, err := store.List(ctx, runs.Filter{State: runs.Open, Limit: 100})
	if err != nil {
		return nil, err
	}
	answers := map[string]bool{}
	for _, r := range list {
		if r.Address != "" {
			there, asked := answers[r.Address]
			if !asked {
				there = serves(ctx, r.Address)
				answers[r.Address] = there
			}
			if !there {
				full, err := store.Get(ctx, r.ID)
				if err != nil {
					return nil, err
				}
				full.State, full.Ended, full.Error = runs.Failed, time.Now().UTC(), "its endpoint on this machine ended before it"
				if err := store.Put(ctx, full); err != nil {
					return nil, err
				}
				continue
			}
		}
		open = append(open, r)
	}
	return open, nil
}

// serves reports whether something may listen at a base URL.
func serves(ctx context.Context, base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	d := net.Dialer{Timeout: 300 * time.Millisecond}
	c, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED)
	}
	c.Close()
	return true
}
