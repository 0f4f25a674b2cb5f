package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
)

// Advice returns likely mistakes in the plan that would waste the price of the training,
// one sentence each: an activation that the loss applies itself, features that are not
// scaled, a learning rate far from what its optimizer takes. They are not errors, and not
// matters of taste. Advice reads the data once.
func (p *Plan) Advice() []string {
	if p.unchecked {
		return []string{unchecked}
	}
	if p.Model == nil || p.parcel == nil || p.Model.Other != nil {
		return nil
	}
	var all []string
	for _, sentence := range []string{p.lastLayer(), p.outputs(), p.columnSize(), p.rate()} {
		if sentence != "" {
			all = append(all, sentence)
		}
	}
	return all
}

// shapeOnly are layers that do not change the numbers at the end of a model.
var shapeOnly = []string{"flatten", "identity", "reshape", "unflatten", "dropout", "squeeze"}

// last returns the last layer that computes something, nil if there is none.
func (p *Plan) last() *worker.Layer {
	for _, l := range slices.Backward(p.Model.Layers) {
		if !slices.Contains(shapeOnly, l.Type) {
			return &l
		}
	}
	return nil
}

// lastLayer checks whether the activation at the end of the model suits the loss.
func (p *Plan) lastLayer() string {
	last, loss := p.last(), p.Hyperparameters.LossFunction
	switch {
	case last == nil:
	case loss == "cross_entropy" && (last.Type == "softmax" || last.Type == "sigmoid"):
		return fmt.Sprintf("cross_entropy applies softmax itself, and the model ends with %s, so that it learns slowly or not at all; leave the last layer out", last.Type)
	case loss == "bce_with_logits" && (last.Type == "sigmoid" || last.Type == "softmax"):
		return fmt.Sprintf("bce_with_logits applies sigmoid itself, and the model ends with %s, so that it learns slowly or not at all; leave the last layer out", last.Type)
	case last.Type == "residual" || last.Type == "branches": // the layers inside are not checked
	case loss == "nll" && last.Type != "log_softmax":
		return fmt.Sprintf("nll takes logarithms of probabilities, and the model ends with %s; end it with log_softmax, or use cross_entropy without one", last.Type)
	case slices.Contains([]string{"mse", "l1", "smooth_l1", "huber"}, loss):
		return p.reach(last)
	}
	return ""
}

// reached are the ranges of the outputs of activations.
var reached = map[string][2]float64{
	"relu": {0, math.Inf(1)}, "softplus": {0, math.Inf(1)}, "relu6": {0, 6}, "sigmoid": {0, 1}, "hardsigmoid": {0, 1},
	"softmax": {0, 1}, "tanh": {-1, 1}, "softsign": {-1, 1}, "log_softmax": {math.Inf(-1), 0}, "logsigmoid": {math.Inf(-1), 0},
}

// reach checks whether the last layer can reach all labels of a regression.
func (p *Plan) reach(last *worker.Layer) string {
	range_, ok := reached[last.Type]
	y, err := p.parcel.Set["y"].Float32s()
	if !ok || err != nil || len(y) == 0 {
		return ""
	}
	low, high := float64(slices.Min(y)), float64(slices.Max(y))
	name := p.parcel.Name("y")
	switch {
	case low < range_[0]:
		return fmt.Sprintf("the model ends with %s, which gives nothing below %v, and %s goes down to %.4g; leave the last layer out", last.Type, range_[0], name, low)
	case high > range_[1]:
		return fmt.Sprintf("the model ends with %s, which gives nothing above %v, and %s goes up to %.4g; leave the last layer out", last.Type, range_[1], name, high)
	}
	return ""
}

// outputs looks for outputs that no sample belongs to. It does not check a continuation,
// which may have such outputs on purpose.
func (p *Plan) outputs() string {
	if !worker.ClassLabels(p.Hyperparameters.LossFunction) || len(p.Output) != 1 || p.options.From != nil {
		return ""
	}
	y, err := p.parcel.Set["y"].Int64s()
	if err != nil || len(y) == 0 {
		return ""
	}
	top := slices.Max(y)
	if v, ok := p.parcel.Set["yval"]; ok {
		if held, err := v.Int64s(); err == nil && len(held) > 0 {
			top = max(top, slices.Max(held))
		}
	}
	if int(top)+1 >= p.Output[0] {
		return ""
	}
	name := p.parcel.Name("y")
	return fmt.Sprintf("the model has %d outputs, and the largest class in %s is %d; %d outputs are enough", p.Output[0], name, top, top+1)
}

// largeFeature is the absolute value above which a feature slows a training down.
const largeFeature = 100

// columnSize looks for features that are too large for a network to learn from well. It
// does not check a model whose first layer is a norm, because that scales them.
func (p *Plan) columnSize() string {
	if wantsIndices(p.Model) || len(p.Model.Layers) == 0 || strings.Contains(p.Model.Layers[0].Type, "norm") {
		return ""
	}
	x := p.parcel.Set["X"]
	values, err := x.Float32s()
	if err != nil || len(values) == 0 {
		return ""
	}
	columns, single := x.Cols(), len(x.Shape) == 2
	low, high := slices.Clone(values[:columns]), slices.Clone(values[:columns])
	for i := columns; i < len(values); i += columns {
		for j, v := range values[i : i+columns] {
			low[j], high[j] = min(low[j], v), max(high[j], v)
		}
	}
	size := func(j int) float32 { return max(-low[j], high[j]) }
	large, worst := 0, 0
	for j := range columns {
		if size(j) > largeFeature {
			large++
		}
		if size(j) > size(worst) {
			worst = j
		}
	}
	if large == 0 {
		return ""
	}
	name := p.parcel.Name("X")
	if !single { // images, for example
		return fmt.Sprintf("%s goes from %.4g to %.4g; networks learn from numbers around 0 to 1: scale it, or begin with a norm", name, slices.Min(low), slices.Max(high))
	}
	column := fmt.Sprintf("column %d of %s", worst, name)
	if worst < len(p.Columns) && len(p.Columns) == columns {
		column = fmt.Sprintf("column %s of %s", p.Columns[worst], name)
	}
	more := ""
	if large > 1 {
		more = fmt.Sprintf(" (%d of %d columns exceed %d)", large, columns, largeFeature)
	}
	return fmt.Sprintf("%s goes from %.4g to %.4g%s; networks learn from columns around 0 to 1: scale them, or begin with batchnorm1d", column, low[worst], high[worst], more)
}

// usualRates are the usual ranges of the learning rates of the optimizers, with a wide margin.
var usualRates = map[string][2]float64{
	"sgd": {1e-6, 5}, "adam": {1e-7, 0.3}, "adamw": {1e-7, 0.3}, "nadam": {1e-7, 0.3}, "rmsprop": {1e-7, 0.3}, "adagrad": {1e-6, 5}, "lbfgs": {1e-4, 10},
}

// rate looks for a learning rate so small that nothing is learned, or so large that the
// training diverges.
func (p *Plan) rate() string {
	h := p.Hyperparameters
	usual, ok := usualRates[h.Optimizer]
	switch {
	case !ok || h.LearningRate >= usual[0] && h.LearningRate <= usual[1]:
		return ""
	case h.LearningRate == 0:
		return "the learning rate is 0: nothing is learned"
	case h.LearningRate > usual[1]:
		return fmt.Sprintf("a learning rate of %v is far above what %s takes; its default is %v", h.LearningRate, h.Optimizer, defaultRate(h.Optimizer))
	}
	return fmt.Sprintf("a learning rate of %v is far below what %s takes; its default is %v", h.LearningRate, h.Optimizer, defaultRate(h.Optimizer))
}

func defaultRate(optimizer string) float64 {
	return (&worker.Hyperparameters{Optimizer: optimizer}).WithDefaults(worker.OpTrain).LearningRate
}
