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
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors/pause"
	"github.com/gopherpod/gopherpod/worker"
)

// ErrDetached means that the context of Attach was done. The job goes on.
var ErrDetached = errors.New("left; the run goes on")

// ErrGone means that the endpoint no longer knows the run's job, and that its workers have
// kept nothing of the run.
var ErrGone = errors.New("the endpoint no longer knows the run's job")

// Attach follows a run of the run store to its end, whether this process or another one
// began it. OnEvent gets the epochs that the store has, then the new ones. Attach returns
// the model as Fit does. The model has weights if the endpoint still has the result
// (RunPod keeps it for 30 minutes) or if the workers kept it (see Collect).
//
// If the run was submitted with Policy.QueueTimeout and still waits for a worker after that
// time, Attach cancels its job, as Fit would have done. When ctx is done the job goes on, and the error wraps ErrDetached. For a run that failed or
// was interrupted, Attach returns the model so far and an error that says what happened;
// ErrGone means that only the epochs in the store are left. If the job's own status says
// how an open run ended, Attach writes that into the store. It does not change a run that has
// ended in the store, nor one whose endpoint refuses the question. Attach uses the fields
// Endpoint, Runs, OnEvent, Observers, Rate and Store of Options; if Endpoint is nil, it uses
// the one that the run names.
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
	o.Endpoint.Expect(runpod.JobID(r.Job), r.Created)
	p := &Plan{
		RunID: r.ID, Model: record.Model, Hyperparameters: record.Hyperparameters, Input: record.Input, Output: record.Output,
		Parameters: record.Parameters, StartEpoch: record.StartEpoch, options: o, attached: &record,
	}
	a := &attachment{plan: p, run: r}
	p.observe()
	ctx = p.queue(ctx, record.queueTimeout(), r.Created)
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
		a.settle(ctx)
		m.Receipt.Bill = p.bill
		record.end(ctx, p, m, err)
	} else {
		record.learn(p, m)
		record.leave()
	}
	return m, err
}

// settle settles the charge of a run that has just ended, if the endpoint says how long it ran.
func (a *attachment) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*lookAgain)
	defer cancel()
	p := a.plan
	e, job := p.options.Endpoint, p.job()
	status, err := e.Status(ctx, runpod.JobID(a.run.Job))
	if err != nil {
		return
	}
	var rate Rate
	p.cost, rate = budget.Settle(ctx, e, job, a.run.Created, status)
	p.bill = newBill(p.cost, rate)
}

// jobEnded reports whether a job has ended, given the error of following it: it completed,
// or its own status says how it ended. If the question failed (no key, 401, 404), we know
// nothing about the job. It may still run and be billed, so the run stays open in the store.
func jobEnded(err error) bool {
	var job *runpod.JobError
	var told *worker.Error // sent by the job's worker
	var late *runpod.QueueTimeoutError
	return err == nil || errors.As(err, &job) || errors.As(err, &told) || errors.As(err, &late) && late.CancelErr == nil
}

// unsubmitted is how long to wait until a run has a job. The process that began the run may
// still be sending its data, or it may be gone.
const unsubmitted = time.Minute

// submitted waits until an open run has a job, or the time unsubmitted is over. It returns
// ErrDetached if ctx is done first.
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
			a.plan.options.Endpoint.Expect(runpod.JobID(r.Job), time.Now())
		}
	}
	return nil
}

// replay passes the events in the store to f.
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

// result returns the model of a run that is over; err is the error of following its job.
// If the job has no result, it uses what the workers kept of the run.
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
	never := !f.trained && (errors.Is(err, runpod.ErrQueueTimeout) || errors.Is(err, runpod.ErrExpired)) // had a worker
	if err != nil && !never {
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
		} else if errors.Is(missing, budget.ErrRefused) {
			err = errors.Join(err, missing)
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
		cut.Epochs = m.trained() - p.StartEpoch // a worker may have finished more than it reported in time
	}
	return m, errors.Join(err, bad)
}

// complete reports whether a collected result is from a training that was not interrupted
// and did not fail.
func complete(r *worker.TrainResult) bool {
	return r.Stopped != worker.StoppedInterrupted && r.Stopped != worker.StoppedFailed
}

// fetchStates reads the states of a result from the bucket, if they are there.
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

// resume is like record for a run that is in the store already.
func (p *Plan) resume(ctx context.Context, run runs.Run) *recorder {
	if p.options.Runs == nil {
		return nil
	}
	r := &recorder{store: p.options.Runs, tell: p.observers.notice, run: run, stop: make(chan struct{}), stopped: make(chan struct{})}
	go r.write(context.WithoutCancel(ctx))
	return r
}

// learn records the epochs of a model if it has more of them than the store. That happens
// because the worker of a cancelled job finishes its batch and keeps everything. learn does
// not change how the run ended.
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

// leave stops recording. It does not change how the run ended.
func (r *recorder) leave() {
	if r == nil {
		return
	}
	close(r.stop)
	<-r.stopped
	r.flush(context.Background())
}

// Lost marks the open runs of a store as failed if their endpoint was on this machine and
// is gone. It returns the runs that are still open, newest first. Only an endpoint whose
// port refuses connections counts as gone, because one that is slow to answer may be busy.
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
				full.State, full.Ended, full.Error = runs.Failed, time.Now().UTC(), "its endpoint on this machine ended before the run did"
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

// serves reports whether something may be listening at a base URL.
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
