package engine

import (
	"context"

	"github.com/gopherpod/gopherpod/worker"
)

// evaluationBatch is how many samples are evaluated at once; it affects no result except
// the rounding of the loss.
const evaluationBatch = 1024

// outputs calls f with the outputs of consecutive pieces of d, in evaluation mode.
func (net *network) outputs(ctx context.Context, d *dataset, f func(y []float32, from, to int)) error {
	net.pass.train = false
	const numbers = 1 << 28 // held between the layers at once
	size := min(evaluationBatch, max(1, numbers/(net.width+1)))
	for from := 0; from < d.n; from += size {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		to := min(from+size, d.n)
		y := net.forward(d.x[from*d.size:to*d.size], to-from)
		if net.pass.refused != nil {
			return net.pass.refused
		}
		f(y, from, to)
	}
	return nil
}

// evaluate returns the mean loss over all samples, each weighted by its class, and the
// accuracy; see, if not nil, receives all outputs.
func (net *network) evaluate(ctx context.Context, l loss, d *dataset, see func(y []float32, from, to int)) (value float64, accuracy *worker.Number, err error) {
	var sum, weight, hits float64
	classifies := false
	err = net.outputs(ctx, d, func(y []float32, from, to int) {
		t := d.t.slice(from, to)
		if w := l.weigh(&t, to-from); w > 0 { // with weights of 0 the mean is NaN
			sum, weight = sum+l.mean(nil, y, &t, to-from)*w, weight+w
		}
		right, ok := l.correct(y, &t, to-from)
		hits, classifies = hits+right, ok
		if see != nil {
			see(y, from, to)
		}
	})
	if classifies {
		share := worker.Number(hits / float64(d.n))
		accuracy = &share
	}
	return sum / weight, accuracy, err
}

// loaded builds the network of an evaluate or predict request with its state.
func loaded(r *worker.Request, in []int, o *Options) (*network, error) {
	net, err := newNetwork(r.Model, in)
	if err != nil {
		return nil, err
	}
	if _, _, err := worker.LeastBatch(net.steps, false); err != nil {
		return nil, err
	}
	if r.ModelState == "" { // of the predecessor: the contract requires a state, and drawSeed has set the seed
		return net, net.initialize(*r.Hyperparameters.Seed)
	}
	set, err := loadState(r.ModelState, "model_state", o)
	if err != nil {
		return nil, err
	}
	return net, net.load(set)
}

// evaluate answers the operation.
func evaluate(ctx context.Context, r *worker.Request, a *arrays, o *Options) (*worker.Response, error) {
	h := r.Hyperparameters.WithDefaults(r.Operation)
	d, err := a.features(r.EvaluationData, "evaluation_data")
	if err != nil {
		return nil, err
	}
	net, err := loaded(r, d.shape, o)
	if err != nil {
		return nil, err
	}
	l, err := newLoss(h, net.out)
	if err != nil {
		return nil, err
	}
	if err := net.checkIndices(d, "evaluation_data"); err != nil {
		return nil, err
	}
	width := elements(net.out)
	all := make([]float32, d.n*width)
	if r.EvaluationData.Labels.IsZero() { // of the predecessor, which then predicted
		if err := net.outputs(ctx, d, func(y []float32, from, to int) { copy(all[from*width:to*width], y) }); err != nil {
			return nil, err
		}
		return &worker.Response{Operation: r.Operation, Status: "success", Predictions: oldPredictions(r, all, d.n, net.out),
			Metrics: &worker.Metrics{SamplesProcessed: d.n, DeviceUsed: device}}, nil
	}
	if err := a.labels(d, r.EvaluationData, "evaluation_data", h, net.out); err != nil {
		return nil, err
	}
	value, accuracy, err := net.evaluate(ctx, l, d, func(y []float32, from, to int) { copy(all[from*width:to*width], y) })
	if err != nil {
		return nil, err
	}
	m := &worker.Metrics{Loss: worker.Number(value), Accuracy: accuracy, SamplesProcessed: d.n, DeviceUsed: device}
	widen(m, h, all, &d.t, net.out)
	return &worker.Response{Operation: r.Operation, Status: "success", Metrics: m}, nil
}
