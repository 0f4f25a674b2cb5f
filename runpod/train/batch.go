package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A Batch does several things in one job, one after the other. So it waits for a worker and
// starts it only once, and data that the parts share is sent once. The zero value is ready
// to use.
//
//	var b train.Batch
//	e := b.Evaluate(model, train.Data{X: Xtest, Y: ytest})
//	p := b.Predict(model, Xnew)
//	err := b.Run(ctx)
//	evaluation, err := e.Get()
//
// A part that fails does not stop the others; its Get returns the error. Parts do not stream
// progress, so use Fit for a long training.
//
// If one job is not possible, a line to WithLog says what is done instead: models on
// several endpoints get one job on each; parts that are too large for one request are
// divided among several; predictions that do not fit into the answer of at most 20 MB get
// jobs of their own; a worker that does not support batches gets a job for each part.
type Batch struct {
	// Endpoint runs the job. nil: the endpoint of each model, or what the function Endpoint
	// returns for a model without one.
	Endpoint *runpod.Endpoint
	Inline   int           // as Options.Inline; 0: the models' value
	Store    store.Store   // as Options.Store; nil: the models' store
	Policy   runpod.Policy // as Options.Policy

	parts []part
}

// A part of a batch: what to send, where to, and how to read its answer.
type part struct {
	parcel *transfer.Parcel
	on     target
	bytes  int // approximate size of its answer
	take   func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage, err error)
	alone  func(ctx context.Context, on target) // does the part in jobs of its own; nil: not possible
}

// A target is where a model computes.
type target struct {
	endpoint *runpod.Endpoint
	store    store.Store
	inline   int
	policy   runpod.Policy
}

// on returns a copy of the model that computes on t.
func (m *Model) on(t target) *Model {
	c := *m
	c.endpoint, c.store, c.inline, c.policy = t.endpoint, t.store, t.inline, t.policy
	return &c
}

// maxBatch is the largest number of requests that a worker accepts in one batch.
const maxBatch = 1000

// ErrNotRun is the error of a part if the batch has not been run, or failed before it
// reached the part.
var ErrNotRun = errors.New("the batch has not been run")

// A Result is the outcome of one part of a batch, available after Run.
type Result[T any] struct {
	value T
	err   error
}

// Get returns the outcome after Batch.Run; before, the error is ErrNotRun.
func (r *Result[T]) Get() (T, error) { return r.value, r.err }

func failed[T any](err error) *Result[T] { return &Result[T]{err: err} }

// add appends a part. read converts its answer into a value. alone gets the value by jobs
// of its own; it may be nil.
func add[T any](b *Batch, p part, read func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage) (T, error), alone func(ctx context.Context, on target) (T, error)) *Result[T] {
	r := failed[T](fmt.Errorf("train: %w", ErrNotRun))
	p.take = func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage, err error) {
		if r.err = err; err == nil {
			r.value, r.err = read(job, e, answer)
		}
	}
	if alone != nil {
		p.alone = func(ctx context.Context, on target) { r.value, r.err = alone(ctx, on) }
	}
	b.parts = append(b.parts, p)
	return r
}

// Evaluate adds Model.Evaluate. If the data does not fit the model, the result has the
// error, and the other parts are not affected.
func (b *Batch) Evaluate(m *Model, d Data) *Result[*Evaluation] {
	p, err := m.evaluation(d)
	if err != nil {
		return failed[*Evaluation](err)
	}
	return add(b, part{parcel: p, on: m.target()}, func(_ *runpod.Job, _ *runpod.Endpoint, answer json.RawMessage) (*Evaluation, error) {
		var r worker.Response
		if err := transfer.Decode(answer, &r); err != nil || r.Metrics == nil {
			return nil, fmt.Errorf("train: evaluate: %w: no metrics in it", ErrResult)
		}
		return m.evaluated(*r.Metrics), nil
	}, func(ctx context.Context, on target) (*Evaluation, error) { return m.on(on).EvaluateContext(ctx, d) })
}

// Predict adds Model.Predict.
func (b *Batch) Predict(m *Model, X any) *Result[*mat.Dense] {
	r, x, err := m.request(worker.OpPredict, "X", X)
	if err != nil {
		return failed[*mat.Dense](err)
	}
	_, output, err := resolve(m.Spec, x.Shape[1:])
	if err != nil {
		return failed[*mat.Dense](err)
	}
	if output == nil {
		output = m.Output
	}
	r.InputData = &worker.Dataset{Features: worker.Value{Tensor: "X"}}
	bytes := answerBytes + 1 // does not fit into an answer
	if x.Rows() <= rowsAnAnswer(output) {
		n, _ := worker.Elements(output)
		bytes = x.Rows() * n * tensors.Float32.Size()
	}
	return add(b, part{parcel: &transfer.Parcel{Request: r, Set: tensors.Set{"X": x}}, on: m.target(), bytes: bytes}, func(_ *runpod.Job, _ *runpod.Endpoint, answer json.RawMessage) (*mat.Dense, error) {
		var r worker.Response
		if err := transfer.Decode(answer, &r); err != nil {
			return nil, fmt.Errorf("train: predict: %w: %w", ErrResult, err)
		}
		t, err := predictions(&r, x.Rows())
		if err != nil {
			return nil, err
		}
		return t.Dense()
	}, func(ctx context.Context, on target) (*mat.Dense, error) { return m.on(on).PredictContext(ctx, X) })
}

// Fit adds a training. The result has the model after Run. Options.OnEvent is not called.
func (b *Batch) Fit(spec any, data Data, o Options) *Result[*Model] {
	p, err := Prepare(spec, data, o)
	if err != nil {
		return failed[*Model](fmt.Errorf("train: %w", err))
	}
	on := target{endpoint: o.Endpoint, store: o.Store, inline: o.Inline}
	return add(b, part{parcel: p.parcel, on: on}, func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage) (*Model, error) {
		var r worker.TrainResult
		if err := transfer.Decode(answer, &r); err != nil {
			return nil, fmt.Errorf("train: %w: %w", ErrResult, err)
		}
		m, err := p.finished(job, e, &r)
		m.Receipt = p.receipt(m)
		return m, err
	}, nil)
}

// Run sends the batch and waits for it. It returns the error of a job as a whole; errors of
// single parts are returned by their Get. A batch can be run once.
func (b *Batch) Run(ctx context.Context) error {
	parts := b.parts
	b.parts = nil
	switch {
	case len(parts) == 0:
		return nil // if any parts were added, they failed and have their errors
	case len(parts) > maxBatch:
		return fmt.Errorf("train: %w", worker.Invalid("requests", fmt.Sprintf("%d parts; a batch takes %d", len(parts), maxBatch)))
	}
	groups, err := b.byEndpoint(parts)
	if err != nil {
		return err
	}
	if len(groups) == 1 {
		return groups[0].run(ctx)
	}
	transfer.Log(ctx, fmt.Sprintf("the models are on %d endpoints: a job on each", len(groups)))
	var errs []error
	for _, g := range groups {
		errs = append(errs, g.run(ctx))
	}
	return errors.Join(errs...)
}

// A group is the parts of a batch that run on one endpoint.
type group struct {
	on    target
	parts []part
}

// byEndpoint groups the parts by the endpoint that they run on.
func (b *Batch) byEndpoint(parts []part) ([]*group, error) {
	var groups []*group
	for _, p := range parts {
		e, err := place.EndpointOr(cmp.Or(b.Endpoint, p.on.endpoint))
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(groups, func(g *group) bool {
			return g.on.endpoint.ID == e.ID && g.on.endpoint.Client().BaseURL() == e.Client().BaseURL()
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{on: target{endpoint: e, store: b.Store, inline: b.Inline, policy: b.Policy}})
		}
		g := groups[i]
		g.parts = append(g.parts, p)
		if g.on.store == nil {
			g.on.store = p.on.store
		}
		g.on.inline = cmp.Or(g.on.inline, p.on.inline)
	}
	return groups, nil
}

// run runs the parts in as few jobs as possible.
func (g *group) run(ctx context.Context) error {
	var together, alone []part
	bytes := 0
	for _, p := range g.parts {
		if bytes+p.bytes > answerBytes && p.alone != nil {
			alone = append(alone, p)
			continue
		}
		bytes += p.bytes
		together = append(together, p)
	}
	if len(alone) > 0 && len(g.parts) > 1 {
		transfer.Log(ctx, fmt.Sprintf("%d of %d parts have answers too large for the batch: jobs of their own", len(alone), len(g.parts)))
	}
	if err := g.send(ctx, together); err != nil {
		return err
	}
	for _, p := range alone {
		p.alone(ctx, g.on)
	}
	return nil
}

// send runs the parts in one job, or in several if they do not fit into one.
func (g *group) send(ctx context.Context, parts []part) error {
	if len(parts) == 0 {
		return nil
	}
	err := g.job(ctx, parts)
	switch {
	case errors.Is(err, runpod.ErrTooLarge) && len(parts) > 1: // nothing was computed
		half := len(parts) / 2
		transfer.Log(ctx, fmt.Sprintf("%d parts are too large for one request: two jobs", len(parts)))
		if err := g.send(ctx, parts[:half]); err != nil {
			return err
		}
		return g.send(ctx, parts[half:])
	case unknownBatch(err) && !slices.ContainsFunc(parts, func(p part) bool { return p.alone == nil }):
		transfer.Log(ctx, "the endpoint's worker does one thing a job: a job for each part")
		for _, p := range parts {
			p.alone(ctx, g.on)
		}
		return nil
	}
	return err
}

// unknownBatch reports whether a worker refused a batch because it is too old to support
// batches.
func unknownBatch(err error) bool {
	var e *worker.Error
	return errors.As(err, &e) && e.Field == "operation" && (e.Kind == worker.ErrInvalid || e.Kind == worker.ErrUnsupported)
}

// job runs the parts in one job.
func (g *group) job(ctx context.Context, parts []part) error {
	ctx, charge, err := budget.Begin(ctx, g.on.endpoint, budget.Job{Kind: "batch", Limit: g.on.policy.ExecutionTimeout})
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer charge.End(ctx)
	t := transfer.New(ctx, g.on.endpoint, g.on.store, g.on.inline)
	t.Expires = transfer.LifeOf(g.on.policy)
	parcels := make([]*transfer.Parcel, len(parts))
	for i, p := range parts {
		parcels[i] = p.parcel
	}
	var job *runpod.Job
	all := transfer.Merge(parcels)
	all.Request.RunID = NewRunID() // to collect the answer by
	policy := charge.Policy(g.on.policy)
	limit := 0.0 // evaluations and predictions need none
	if slices.ContainsFunc(parts, func(p part) bool { return p.parcel.Request.Operation == worker.OpTrain }) {
		var most time.Duration
		policy, most = within(ctx, g.on.endpoint, policy)
		limit = most.Seconds()
	}
	send := func(r *worker.Request) (err error) {
		submitted := time.Now()
		job, err = g.on.endpoint.Call(ctx, runpod.Request{Input: r, Policy: policy})
		if job != nil {
			budget.Ran(ctx, job, submitted)
		}
		budget.Doubt(ctx, err)
		if errors.Is(err, runpod.ErrTooLarge) && job == nil {
			return transfer.TooLarge(r)
		}
		if err != nil {
			return transfer.JobError(err)
		}
		if lost := transfer.HasOutput(job); lost != nil {
			if job.Output, err = keptAnswer(ctx, g.on.endpoint, r, lost); err != nil {
				return err
			}
		}
		return lacking(job.Output)
	}
	err = t.Send(ctx, all, func(r *worker.Request) error {
		r.TimeLimit = limit
		err := send(r)
		if limit > 0 && refuses(err, "time_limit") { // an older worker
			limit, r.TimeLimit = 0, 0
			err = send(r)
		}
		return err
	})
	if err != nil {
		return err
	}
	var answer worker.Response
	if err := transfer.Decode(job.Output, &answer); err != nil || len(answer.Results) != len(parts) {
		return fmt.Errorf("train: job %s: %w: %d answers for %d parts", job.ID, ErrResult, len(answer.Results), len(parts))
	}
	for i, p := range parts {
		result, err := partOf(answer.Results[i])
		p.take(job, g.on.endpoint, result, err)
	}
	return nil
}

// partOf returns a part's answer, or its failure.
func partOf(result json.RawMessage) (json.RawMessage, error) {
	var answer struct {
		Status  string        `json:"status"`
		Failure *worker.Error `json:"failure"`
	}
	if err := transfer.Decode(result, &answer); err != nil {
		return nil, fmt.Errorf("train: %w: %w", ErrResult, err)
	}
	if answer.Failure != nil {
		return nil, fmt.Errorf("train: %w", answer.Failure)
	}
	return result, nil
}

// lacking returns the error of a part that lacks data, if there is one, so that Send sends
// the data and repeats the job.
func lacking(output json.RawMessage) error {
	var answer worker.Response
	if transfer.Decode(output, &answer) != nil {
		return nil // job reports it when it reads the answer
	}
	for _, result := range answer.Results {
		if _, err := partOf(result); transfer.Missing(err) {
			return err
		}
	}
	return nil
}
