package sweep

import (
	"context"
	"fmt"
	"math"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// Trial trains once with the values of a point. Any optimizer of hyperparameters can
// call it. Options in the point replace those of o; other names replace $name in spec,
// which must be text then. The value is to be made small: the best validation loss,
// else the last training loss, +Inf with an error.
func Trial(ctx context.Context, spec any, data train.Data, o train.Options, point Point) (value float64, model *train.Model, err error) {
	plan, err := prepare(spec, data, o, point)
	if err != nil {
		return math.Inf(1), nil, err
	}
	return try(ctx, plan)
}

// prepare makes the plan of a point.
func prepare(spec any, data train.Data, o train.Options, point Point) (*train.Plan, error) {
	spec, o, err := apply(spec, o, point)
	if err != nil {
		return nil, err
	}
	plan, err := train.Prepare(spec, data, o)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return plan, nil
}

// try runs a plan.
func try(ctx context.Context, plan *train.Plan) (value float64, model *train.Model, err error) {
	if model, err = plan.Run(ctx); err != nil {
		return math.Inf(1), model, err
	}
	return valueOf(model.History), model, nil
}

// valueOf is what a sweep makes small.
func valueOf(h train.History) float64 {
	if h.HasValidation() {
		if i := h.Best(); i >= 0 {
			return h.ValLoss[i]
		}
		return math.Inf(1)
	}
	if n := h.Len(); n > 0 && !math.IsNaN(h.Loss[n-1]) {
		return h.Loss[n-1]
	}
	return math.Inf(1)
}

// valueAfter is what a trial has come to after an epoch, with best before it.
func valueAfter(e worker.Epoch, best float64) float64 {
	if e.ValLoss != nil {
		return math.Min(best, float64(*e.ValLoss))
	}
	return float64(e.Loss)
}
