package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A Batch does several things in one job, one after the other: a worker is waited for
// and started once, and data that the parts share travel once. The zero value is ready.
//
//	var b train.Batch
//	e := b.Evaluate(model, train.Data{X: Xtest, Y: ytest})
//	p := b.Predict(model, Xnew)
//	err := b.Run(ctx)
//	evaluation, err := e.Get()
//
// A part that fails does not stop the others; its Get says why. All answers together
// must fit into one, 20 MB: what is larger wants jobs of its own. A part streams
// nothing, so that a long training is better off with Fit.
type Batch struct {
	// Endpoint runs the job. nil: what Endpoint returns.
	Endpoint *runpod.Endpoint
	Inline   int           // as Options.Inline
	Store    store.Store   // as Options.Store
	Policy   runpod.Policy // as Options.Policy

	parts []part
}

// A part of a batch: what to send, and who takes its answer.
type part struct {
	parcel *transfer.Parcel
	take   func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage, err error)
}

// maxBatch is how many requests a worker takes in one.
const maxBatch = 1000

// ErrNotRun: the batch has not been run, or did not come to this part.
var ErrNotRun = errors.New("the batch has not been run")

// An Asked is the answer to come of a part of a batch.
type Asked[T any] struct {
	value T
	err   error
}

// Get is the answer after Batch.Run; before, the error is ErrNotRun.
func (a *Asked[T]) Get() (T, error) { return a.value, a.err }

func asked[T any](err error) *Asked[T] { return &Asked[T]{err: err} }

// add appends a part whose answer read turns into a value.
func add[T any](b *Batch, p *transfer.Parcel, read func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage) (T, error)) *Asked[T] {
	a := asked[T](fmt.Errorf("train: %w", ErrNotRun))
	b.parts = append(b.parts, part{p, func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage, err error) {
		if a.err = err; err == nil {
			a.value, a.err = read(job, e, answer)
		}
	}})
	return a
}

// Evaluate adds Model.Evaluate. Data that do not fit are the answer's error, and the
// other parts go on.
func (b *Batch) Evaluate(m *Model, d Data) *Asked[*Evaluation] {
	p, err := m.evaluation(d)
	if err != nil {
		return asked[*Evaluation](err)
	}
	return add(b, p, func(_ *runpod.Job, _ *runpod.Endpoint, answer json.RawMessage) (*Evaluation, error) {
		var r worker.Response
		if err := transfer.Decode(answer, &r); err != nil || r.Metrics == nil {
			return nil, fmt.Errorf("train: evaluate: %w: no metrics in it", ErrResult)
		}
		return m.evaluated(*r.Metrics), nil
	})
}

// Predict adds Model.Predict.
func (b *Batch) Predict(m *Model, X any) *Asked[*mat.Dense] {
	r, x, err := m.request(worker.OpPredict, "X", X)
	if err != nil {
		return asked[*mat.Dense](err)
	}
	r.InputData = &worker.Dataset{Features: worker.Value{Tensor: "X"}}
	return add(b, &transfer.Parcel{Request: r, Set: tensors.Set{"X": x}}, func(_ *runpod.Job, _ *runpod.Endpoint, answer json.RawMessage) (*mat.Dense, error) {
		var r worker.Response
		if err := transfer.Decode(answer, &r); err != nil {
			return nil, fmt.Errorf("train: predict: %w: %w", ErrResult, err)
		}
		t, err := predictions(&r, x.Rows())
		if err != nil {
			return nil, err
		}
		return t.Dense()
	})
}

// Fit adds a training, of which Get has the model when it is over. Options.OnEvent is
// told nothing.
func (b *Batch) Fit(spec any, data Data, o Options) *Asked[*Model] {
	p, err := Prepare(spec, data, o)
	if err != nil {
		return asked[*Model](fmt.Errorf("train: %w", err))
	}
	return add(b, p.parcel, func(job *runpod.Job, e *runpod.Endpoint, answer json.RawMessage) (*Model, error) {
		var r worker.TrainResult
		if err := transfer.Decode(answer, &r); err != nil {
			return nil, fmt.Errorf("train: %w: %w", ErrResult, err)
		}
		m, err := p.finished(job, e, &r)
		m.Receipt = p.receipt(m)
		return m, err
	})
}

// Run sends the job and waits for it. Its error is that of the job as a whole; each
// part has its own. It can be run once.
func (b *Batch) Run(ctx context.Context) error {
	parts := b.parts
	b.parts = nil
	switch {
	case len(parts) == 0:
		return nil // whatever was asked for has an error already
	case len(parts) > maxBatch:
		return fmt.Errorf("train: %w", worker.Invalid("requests", fmt.Sprintf("%d parts; a batch takes %d", len(parts), maxBatch)))
	}
	endpoint, err := place.EndpointOr(b.Endpoint)
	if err != nil {
		return err
	}
	t := transfer.New(ctx, endpoint, b.Store, b.Inline)
	t.Expires = transfer.LifeOf(b.Policy)
	parcels := make([]*transfer.Parcel, len(parts))
	for i, p := range parts {
		parcels[i] = p.parcel
	}
	var job *runpod.Job
	err = t.Send(ctx, transfer.Merge(parcels), func(r *worker.Request) (err error) {
		job, err = endpoint.Call(ctx, runpod.Request{Input: r, Policy: b.Policy})
		if errors.Is(err, runpod.ErrTooLarge) && job == nil {
			return transfer.TooLarge(r)
		}
		if err != nil {
			return transfer.JobError(err)
		}
		return lacking(job.Output)
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
		p.take(job, endpoint, result, err)
	}
	return nil
}

// partOf is a part's answer, or its failure.
func partOf(result json.RawMessage) (json.RawMessage, error) {
	var failed struct {
		Status  string        `json:"status"`
		Failure *worker.Error `json:"failure"`
	}
	if err := transfer.Decode(result, &failed); err != nil {
		return nil, fmt.Errorf("train: %w: %w", ErrResult, err)
	}
	if failed.Failure != nil {
		return nil, fmt.Errorf("train: %w", failed.Failure)
	}
	return result, nil
}

// lacking is the ErrMissing of a part, so that what it lacks is sent and the job done
// again.
func lacking(output json.RawMessage) error {
	var answer worker.Response
	if transfer.Decode(output, &answer) != nil {
		return nil // said where the answer is read
	}
	for _, result := range answer.Results {
		if _, err := partOf(result); transfer.Missing(err) {
			return err
		}
	}
	return nil
}
