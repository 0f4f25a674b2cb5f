package sweep

import (
	"context"
	"fmt"
	"math"

	"github.com/gopherpod/gopherpod/runpod/train"
)

// Trial trains once with the values of a point. Any optimizer of hyperparameters can
// call it. Options in the point replace those of o; other names replace $name in spec,
// which must be text then. The optimizer has to minimize the value: the best
// validation loss, or the last training loss without validation data. If the point
// changes what the loss measures, it is the share of wrong samples instead (see
// ObjectiveOf). If there is an error, it is +Inf.
func Trial(ctx context.Context, spec any, data train.Data, o train.Options, point Point) (value float64, model *train.Model, err error) {
	var space []Dimension
	for name := range point {
		space = append(space, Dimension{Name: name})
	}
	by, err := ObjectiveOf(o, space, Options{})
	if err != nil {
		return math.Inf(1), nil, err
	}
	plan, err := prepare(spec, data, o, point)
	if err != nil {
		return math.Inf(1), nil, err
	}
	return try(ctx, plan, by)
}

// prepare makes the plan for a point.
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
func try(ctx context.Context, plan *train.Plan, by Objective) (value float64, model *train.Model, err error) {
	if model, err = plan.Run(ctx); err != nil {
		return math.Inf(1), model, err
	}
	return by.value(model.History), model, nil
}
