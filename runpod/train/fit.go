package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/worker"
)

// Fit trains a model. spec is Layers, a *worker.ModelConfig or another form that ParseSpec
// reads, and may be nil with Options.From. Fit blocks until the training is over, or until
// its job has no time left (Policy.ExecutionTimeout, else the endpoint's own limit): then the
// model holds the weights so far, and Model.Stopped is worker.StoppedAtLimit. If the training
// fails or ctx is done, the model holds the epochs so far, and the weights if the worker kept
// some and collecting them takes no more than a minute, or 6 s if ctx is done, or ends before
// Options.GiveUp is closed; the model is nil if nothing was sent. If no worker takes the job
// within Policy.QueueTimeout, Fit cancels it and returns a *runpod.QueueTimeoutError. When ctx is
// done, Fit cancels the job on the endpoint and returns an *InterruptedError.
func Fit(ctx context.Context, spec any, data Data, o Options) (*Model, error) {
	p, err := Prepare(spec, data, o)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	p.observe()
	for _, sentence := range p.Advice() {
		p.observers.notice(sentence)
	}
	return p.Run(ctx)
}

// Run sends the plan and follows it to its end, as Fit does.
func (p *Plan) Run(ctx context.Context) (*Model, error) {
	endpoint, err := place.EndpointOr(p.options.Endpoint)
	if err != nil {
		return nil, err
	}
	p.observe()
	ctx, charge, err := budget.Begin(ctx, endpoint, p.job())
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	p.options.Policy = charge.Policy(p.options.Policy)
	ctx = p.queue(ctx, p.options.Policy.QueueTimeout, time.Time{})
	record := p.record(ctx, endpoint)
	p.observers.begin(p)
	m, err := p.train(ctx, endpoint, record)
	if state, _ := ending(err); state != runs.Open { // otherwise the job may still run, and cost
		p.cost = charge.End(ctx)
		p.bill = newBill(p.cost, charge.Rate())
	}
	if m != nil {
		m.Receipt.Bill = p.bill
	}
	record.end(ctx, p, m, err)
	p.observers.end(m, err)
	return m, err
}

// queue returns a context whose jobs may wait that long for a worker. The observers are told
// why they wait, unless the caller follows that already; see runpod.WithQueue.
func (p *Plan) queue(ctx context.Context, limit time.Duration, since time.Time) context.Context {
	if runpod.QueueOf(ctx) == nil && len(p.observers.list) > 0 {
		ctx = runpod.WithQueue(ctx, &runpod.Queue{Since: since, Tell: runpod.WaitLines(p.observers.notice)})
	}
	return runpod.LimitQueue(ctx, limit, since)
}

// job says what the plan may cost.
func (p *Plan) job() budget.Job {
	return budget.Job{
		Kind: string(worker.OpTrain), ID: p.RunID, Rate: p.options.Rate, Limit: p.options.Policy.ExecutionTimeout,
		Workers: p.options.Workers, Store: p.options.Runs,
	}
}

func (p *Plan) train(ctx context.Context, endpoint *runpod.Endpoint, record *recorder) (*Model, error) {
	p.policy, p.limit = within(ctx, endpoint, p.options.Policy)
	t := p.transfer(ctx, endpoint)
	f, job, err := p.send(ctx, endpoint, t, record)
	if job == nil {
		return nil, err
	}
	if err == nil {
		var result *worker.TrainResult
		if result, err = f.collector.Result(); err == nil {
			err = t.CollectStates(ctx, result)
		}
		var deltas map[string]string
		if err == nil {
			deltas, err = p.rebuild(ctx, endpoint, result)
		}
		if err == nil {
			m, err := p.finished(job, endpoint, result)
			m.deltas = deltas
			m.Receipt = p.receipt(m)
			return m, err
		}
		err = fmt.Errorf("train: job %s: %w: %w", job.ID, ErrResult, err)
	}
	m := p.unfinished(job.ID, endpoint, f.collector.History())
	// The service has forgotten the job or lost its output, but the worker may have kept the run.
	if errors.Is(err, runpod.ErrNotFound) && (f.trained || !errors.Is(err, runpod.ErrExpired)) || errors.Is(err, ErrNoOutput) {
		if r := p.collect(ctx, endpoint, false); r != nil && complete(r) {
			if m, bad := p.finished(job, endpoint, r); bad == nil {
				p.observers.notice(lostAnswer)
				m.Receipt = p.receipt(m)
				return m, nil
			}
		}
	}
	var cut *InterruptedError
	if !errors.As(err, &cut) && errors.Is(err, runpod.ErrJobCancelled) { // cancelled by someone else
		cut = &InterruptedError{JobID: job.ID, Cancelled: true, Epochs: m.Epochs - p.StartEpoch, Cause: err}
		err = cut
	}
	if cut != nil && cut.Cancelled && f.status != runpod.StatusInQueue || cut == nil && f.trained && jobEnded(err) {
		if r := p.collect(ctx, endpoint, cut != nil); r != nil {
			if so, bad := p.finished(job, endpoint, r); bad == nil {
				m = so
				if cut != nil {
					cut.Weights, cut.Epochs = true, so.trained()-p.StartEpoch
				}
			}
		}
	}
	m.Receipt = p.receipt(m)
	return m, err
}

// transfer returns the transfer that sends the plan's data and brings the states back.
func (p *Plan) transfer(ctx context.Context, e *runpod.Endpoint) *transfer.Transfer {
	t := transfer.New(ctx, e, p.options.Store, p.options.Inline)
	t.Expires = transfer.LifeOf(p.policy)
	// Weights and Adam's two moments; how many a model in Python has, only its worker knows.
	t.Large = 3*4*p.Parameters > transfer.UploadAbove || p.Model.Other != nil
	t.Tell = p.observers.notice
	return t
}

// send submits the plan and follows the job to its end. If the worker lacked data, it sends
// the data and submits another job. job is nil if none was accepted.
func (p *Plan) send(ctx context.Context, e *runpod.Endpoint, t *transfer.Transfer, record *recorder) (f *follower, job *runpod.Job, err error) {
	begin := func() {
		f = &follower{onEvent: func(e Event) {
			record.event(e)
			p.observers.event(e)
		}}
		f.collector.RunID = p.RunID
	}
	run := func(r *worker.Request) (err error) {
		begin()
		p.submitting("")
		submitted := time.Now()
		if job, err = submit(ctx, e, r, p.policy); err != nil {
			job = nil
			return err
		}
		p.submitting(job.ID)
		record.accepted(ctx, job.ID)
		err = f.follow(ctx, e, job)
		f.count(ctx, e, submitted)
		return err
	}
	if id := p.earlierJob(); id != "" {
		begin()
		job = &runpod.Job{ID: id}
		record.accepted(ctx, id)
		begun := time.Now()
		if err = f.follow(ctx, e, job); !nothingLeft(ctx, err) {
			f.count(ctx, e, begun)
			return f, job, err
		}
		job = nil
	}
	delta := p.wantsDelta(e)
	limit := p.limit.Seconds()
	err = t.Send(ctx, p.parcel, func(r *worker.Request) error {
		r.StateDelta, r.TimeLimit = delta, limit
		err := run(r)
		if limit > 0 && refuses(err, "time_limit") {
			limit, r.TimeLimit = 0, 0
			err = run(r)
		}
		if delta && refuses(err, "state_delta") {
			delta, r.StateDelta = false, false
			err = run(r)
		}
		return err
	})
	var cut *InterruptedError
	if err != nil && ctx.Err() != nil && job == nil && !errors.As(err, &cut) {
		err = &InterruptedError{Cause: context.Cause(ctx), Cancelled: true}
	}
	return f, job, err
}

// finished returns the model of a result with weights.
func (p *Plan) finished(job *runpod.Job, endpoint *runpod.Endpoint, r *worker.TrainResult) (*Model, error) {
	m := p.unfinished(job.ID, endpoint, r.History)
	if r.Model != nil {
		m.Spec = r.Model
	}
	if m.Spec != nil && m.Spec.Other != nil { // only the worker knows these
		m.Parameters = r.Parameters
		if r.Output != nil {
			m.Output = r.Output
		}
	}
	m.state, m.optimizerState, m.features = r.ModelState, r.OptimizerState, r.Features
	if r.Weights != nil {
		m.Weights, m.Epochs = *r.Weights, r.Weights.Epoch
	}
	m.Device, m.Precision, m.Seconds, m.Stopped = r.Device, r.Precision, float64(r.Seconds), r.Stopped
	if r.Status == "stopped" && m.Stopped == "" {
		m.Stopped = "stopped by the worker"
	}
	if m.state == "" && p.Parameters > 0 {
		return m, fmt.Errorf("train: job %s: %w: it holds no weights", job.ID, ErrResult)
	}
	return m, nil
}

// unfinished returns the model without weights.
func (p *Plan) unfinished(id runpod.JobID, endpoint *runpod.Endpoint, epochs []worker.Epoch) *Model {
	m := &Model{
		Spec: p.Model, Hyperparameters: p.Hyperparameters, Epochs: p.StartEpoch, Parameters: p.Parameters,
		Input: p.Input, Output: p.Output, ClassNames: p.ClassNames, Columns: p.Columns, RunID: p.RunID, JobID: id, endpoint: endpoint,
		store: p.options.Store, inline: p.options.Inline,
	}
	var before []worker.Epoch
	if from := p.options.From; from != nil {
		before = from.History.Records
	}
	m.History = NewHistory(join(before, epochs))
	if n := m.History.Len(); n > 0 {
		m.Epochs = m.History.Records[n-1].Epoch
	}
	m.Weights = worker.Weights{Epoch: m.Epochs}
	return m
}

// trained returns the number of the last epoch that the training finished.
func (m *Model) trained() int {
	if n := m.History.Len(); n > 0 {
		return m.History.Records[n-1].Epoch
	}
	return m.Epochs
}

// join appends the epochs of a continuation to those before it.
func join(before, after []worker.Epoch) []worker.Epoch {
	if len(after) == 0 {
		return before
	}
	all := make([]worker.Epoch, 0, len(before)+len(after))
	for _, e := range before {
		if e.Epoch < after[0].Epoch {
			all = append(all, e)
		}
	}
	return append(all, after...)
}

// From returns the model that the plan continues, or nil.
func (p *Plan) From() *Model { return p.options.From }

// GiveUp sets Options.GiveUp and Options.Hold.
func (p *Plan) GiveUp(c <-chan struct{}, hold func()) { p.options.GiveUp, p.options.Hold = c, hold }

// Origin returns Options.Origin.
func (p *Plan) Origin() Origin { return p.options.Origin }

// Pending returns the model as it is before the run, without weights and new epochs.
func (p *Plan) Pending() *Model { return p.unfinished("", p.options.Endpoint, nil) }
