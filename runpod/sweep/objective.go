package sweep

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// Values of Options.Objective.
const (
	ObjectiveLoss     = contract.MetricLoss     // smallest
	ObjectiveAccuracy = contract.MetricAccuracy // largest
)

// Objectives lists the values of Options.Objective: the metrics that each epoch has.
func Objectives() []string {
	var names []string
	for _, m := range contract.Metrics() {
		if m.Epochs {
			names = append(names, m.Name)
		}
	}
	return names
}

// An Objective is the metric that trials are compared by: on the validation data if there
// are any, otherwise on the training data.
type Objective struct {
	Accuracy   bool // otherwise the loss
	Validation bool
}

// ObjectiveOf returns what a sweep with those arguments compares its trials by. Without
// Options.Objective it is the loss, or the accuracy if a dimension changes what the loss
// measures, as label smoothing does. If trials cannot be compared, the error says why.
func ObjectiveOf(o train.Options, space []Dimension, s Options) (Objective, error) {
	h, err := o.Given()
	if err != nil {
		return Objective{}, err
	}
	loss := cmp.Or(h.LossFunction, defaultLoss())
	names := inLoss(space)
	by := Objective{Accuracy: s.Objective == ObjectiveAccuracy || s.Objective == "" && names != nil, Validation: o.Validation != nil || h.ValidationSplit > 0}
	switch {
	case s.Objective != "" && !slices.Contains(Objectives(), s.Objective):
		return by, worker.Invalid("objective", fmt.Sprintf("is %q, want one of %s", s.Objective, strings.Join(Objectives(), ", ")))
	case s.Objective == ObjectiveLoss && names != nil:
		return by, worker.Invalid("objective", fmt.Sprintf("%s changes what the loss measures, so the losses of the trials are not comparable; want %s", strings.Join(names, ", "), ObjectiveAccuracy))
	case names != nil && !worker.Classifies(loss):
		return by, worker.Invalid("space", fmt.Sprintf("%s changes what the loss measures, and %s has no accuracy to compare trials by instead", strings.Join(names, ", "), loss))
	case by.Accuracy && !worker.Classifies(loss):
		return by, worker.Invalid("objective", fmt.Sprintf("%s has no accuracy to compare trials by; want %s", loss, ObjectiveLoss))
	}
	return by, nil
}

// defaultLoss returns the loss of a training that does not name one.
func defaultLoss() string {
	return new(worker.Hyperparameters).WithDefaults(worker.OpTrain).LossFunction
}

// inLoss lists the dimensions that change what the loss measures.
func inLoss(space []Dimension) (names []string) {
	for _, d := range space {
		if row, ok := dimensionRow(d.Name); ok && row.InLoss {
			names = append(names, d.Name)
		}
	}
	return names
}

// String names the metric, as in "validation accuracy".
func (by Objective) String() string {
	data := "training"
	if by.Validation {
		data = "validation"
	}
	return data + " " + by.metric()
}

// metric returns the name of the contract's metric.
func (by Objective) metric() string {
	if by.Accuracy {
		return ObjectiveAccuracy
	}
	return ObjectiveLoss
}

// Figure turns a value, which the sweep minimizes, into the metric that String
// names.
func (by Objective) Figure(value float64) float64 {
	if by.Accuracy {
		return 1 - value
	}
	return value
}

// value returns what the sweep minimizes: the metric of the best epoch if there are
// validation data, otherwise that of the last epoch. For accuracy it is the share of wrong
// samples. It is +Inf if no epoch has the metric.
func (by Objective) value(h train.History) float64 {
	value := math.Inf(1)
	for _, e := range h.Records {
		value = by.after(e, value)
	}
	if math.IsNaN(value) {
		return math.Inf(1)
	}
	return value
}

// after returns the value after an epoch, given the best value before it. It is NaN if
// the epoch does not have the metric.
func (by Objective) after(e worker.Epoch, best float64) float64 {
	name := by.metric()
	if e.ValLoss != nil {
		name = "val_" + name
	}
	figure := e.Value(name)
	if figure == nil {
		return math.NaN()
	}
	value := by.Figure(float64(*figure)) // 1 - accuracy, or the loss
	if e.ValLoss != nil && !(value < best) {
		return best
	}
	return value
}

// incomparable reports whether a name is that of a row that no sweep varies, because it
// changes what the loss measures. unknownDimension then says so.
func incomparable(name string) bool {
	row, ok := rowCalled(name)
	return ok && row.InLoss && !row.Varies
}
