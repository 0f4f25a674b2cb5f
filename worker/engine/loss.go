package engine

import (
	"fmt"
	"math"

	"github.com/gopherpod/gopherpod/worker"
)

// targets are the labels of a data set: class numbers or, for each sample, as
// many values as the output has.
type targets struct {
	classes []int32
	values  []float32
	width   int // number of values per sample
}

// pick copies the samples of index into dst.
func (t *targets) pick(dst *targets, index []int) {
	dst.width = t.width
	if t.classes != nil {
		c := grown(&dst.classes, len(index))
		for i, k := range index {
			c[i] = t.classes[k]
		}
		return
	}
	v := grown(&dst.values, len(index)*t.width)
	for i, k := range index {
		copy(v[i*t.width:(i+1)*t.width], t.values[k*t.width:])
	}
}

// slice returns the samples from <= i < to, without copying.
func (t *targets) slice(from, to int) targets {
	if t.classes != nil {
		return targets{classes: t.classes[from:to]}
	}
	return targets{values: t.values[from*t.width : to*t.width], width: t.width}
}

// A loss compares outputs with targets.
type loss interface {
	// mean returns the mean loss of n samples, and sets dy to its gradient unless
	// dy is nil.
	mean(dy, y []float32, t *targets, n int) float64
	// weigh returns the sum of the weights of n samples; over all batches, the sum of mean
	// times weigh divided by the sum of weigh is the mean.
	weigh(t *targets, n int) float64
	// correct counts the samples whose prediction is right; if a sample has several
	// outputs, it counts the fraction that is right. ok is false for a regression.
	correct(y []float32, t *targets, n int) (sum float64, ok bool)
}

// newLoss returns the loss that h names, for outputs of shape out.
func newLoss(h *worker.Hyperparameters, out []int) (loss, error) {
	width := elements(out)
	switch h.LossFunction {
	case "cross_entropy", "nll":
		if len(out) != 1 {
			return nil, worker.Invalid("model_config", fmt.Sprintf("%s wants one number for each class, but the model gives %s a sample; a flatten and a linear at the end help", h.LossFunction, worker.Sizes(out)))
		}
		l := &classLoss{classes: width, smoothing: h.LabelSmoothing, logs: h.LossFunction == "nll"}
		if len(h.ClassWeights) > 0 && len(h.ClassWeights) != width {
			return nil, worker.Invalid("hyperparameters.class_weights", fmt.Sprintf("has %d weights, but the model gives %d outputs", len(h.ClassWeights), width))
		}
		for _, w := range h.ClassWeights {
			l.weights = append(l.weights, float64(w))
		}
		return l, nil
	case "bce_with_logits":
		return &elementLoss{width: width, f: bce, binary: true}, nil
	case "mse":
		return &elementLoss{width: width, f: func(d, _, _ float64) (float64, float64) { return d * d, 2 * d }}, nil
	case "l1":
		return &elementLoss{width: width, f: func(d, _, _ float64) (float64, float64) { return math.Abs(d), sign(d) }}, nil
	case "smooth_l1":
		return &elementLoss{width: width, f: smoothL1(h.Delta)}, nil
	case "huber":
		return &elementLoss{width: width, f: huber(h.Delta)}, nil
	}
	return nil, &worker.Error{Kind: worker.ErrUnsupported, Field: "hyperparameters.loss_function",
		Message: fmt.Sprintf("the engine on the CPU has no %s; the PyTorch worker has it", h.LossFunction)}
}

// classLoss is cross-entropy or, if logs is set, the negative log-likelihood of outputs
// that are already log-probabilities.
type classLoss struct {
	classes   int
	weights   []float64 // nil: all 1
	smoothing float64
	logs      bool
	row       []float64
}

func (l *classLoss) weight(class int) float64 {
	if l.weights == nil {
		return 1
	}
	return l.weights[class]
}

func (l *classLoss) weigh(t *targets, n int) float64 {
	if l.weights == nil {
		return float64(n)
	}
	var total float64
	for _, c := range t.classes[:n] {
		total += l.weights[c]
	}
	return total
}

func (l *classLoss) mean(dy, y []float32, t *targets, n int) float64 {
	var sum float64
	total := l.weigh(t, n)
	row := grown(&l.row, l.classes)
	for i := range n {
		line := y[i*l.classes : (i+1)*l.classes]
		var d []float32
		if dy != nil {
			d = dy[i*l.classes : (i+1)*l.classes]
		}
		if l.logs {
			sum += l.likelihood(d, line, int(t.classes[i]), total)
		} else {
			sum += l.entropy(d, line, row, int(t.classes[i]), total)
		}
	}
	return sum / total
}

func (l *classLoss) likelihood(d, line []float32, class int, total float64) float64 {
	w := l.weight(class)
	if d != nil {
		clear(d)
		d[class] = float32(-w / total)
	}
	return -w * float64(line[class])
}

// entropy returns the loss of one row: -(1-s) w_y log p_y - s/C sum_c w_c log p_c,
// with w the weights, p the softmax, s the smoothing and C the number of classes.
func (l *classLoss) entropy(d, line []float32, row []float64, class int, total float64) float64 {
	top := line[0]
	for _, v := range line[1:] {
		top = max(top, v)
	}
	var sum float64
	for c, v := range line {
		row[c] = math.Exp(float64(v - top))
		sum += row[c]
	}
	log := math.Log(sum) + float64(top)
	w := l.weight(class)
	value := (1 - l.smoothing) * w * (log - float64(line[class]))
	smooth, all := l.smoothing/float64(l.classes), (1-l.smoothing)*w
	if l.smoothing > 0 {
		for c, v := range line {
			value += smooth * l.weight(c) * (log - float64(v))
			all += smooth * l.weight(c)
		}
	}
	if d == nil {
		return value
	}
	for c := range d {
		g := all * row[c] / sum
		if l.smoothing > 0 {
			g -= smooth * l.weight(c)
		}
		d[c] = float32(g / total)
	}
	d[class] -= float32((1 - l.smoothing) * w / total)
	return value
}

func (l *classLoss) correct(y []float32, t *targets, n int) (float64, bool) {
	count := 0
	for i, c := range t.classes[:n] {
		if argmax(y[i*l.classes:(i+1)*l.classes]) == int(c) {
			count++
		}
	}
	return float64(count), true
}

// argmax returns the index of the first largest element.
func argmax(s []float32) int {
	best := 0
	for i, v := range s {
		if v > s[best] {
			best = i
		}
	}
	return best
}

// elementLoss is a mean over all numbers: f gives the loss and its derivative
// from the difference d = y - label, y and the label.
type elementLoss struct {
	width  int
	f      func(d, y, label float64) (value, slope float64)
	binary bool
}

func (l *elementLoss) weigh(_ *targets, n int) float64 { return float64(n) }

func (l *elementLoss) mean(dy, y []float32, t *targets, n int) float64 {
	count := n * l.width
	var sum float64
	for i, v := range y[:count] {
		label := t.values[i]
		value, slope := l.f(float64(v-label), float64(v), float64(label))
		sum += value
		if dy != nil {
			dy[i] = float32(slope / float64(count))
		}
	}
	return sum / float64(count)
}

func (l *elementLoss) correct(y []float32, t *targets, n int) (float64, bool) {
	if !l.binary {
		return 0, false
	}
	count := 0
	for i, v := range y[:n*l.width] {
		if (v > 0) == (t.values[i] > 0.5) {
			count++
		}
	}
	return float64(count) / float64(l.width), true
}

func bce(_, y, label float64) (float64, float64) {
	return math.Max(y, 0) - y*label + math.Log1p(math.Exp(-math.Abs(y))), sigmoid(y) - label
}

func sign(d float64) float64 {
	switch {
	case d > 0:
		return 1
	case d < 0:
		return -1
	}
	return d // 0 and NaN
}

func smoothL1(beta float64) func(d, _, _ float64) (float64, float64) {
	return func(d, _, _ float64) (float64, float64) {
		if a := math.Abs(d); a >= beta {
			return a - beta/2, sign(d)
		}
		return d * d / (2 * beta), d / beta
	}
}

func huber(delta float64) func(d, _, _ float64) (float64, float64) {
	return func(d, _, _ float64) (float64, float64) {
		if a := math.Abs(d); a >= delta {
			return delta * (a - delta/2), delta * sign(d)
		}
		return d * d / 2, d
	}
}
