package engine

import (
	"math"
	"slices"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// Metrics that grow with the number of classes are left out above these limits.
const (
	maxTableClasses = 2000
	maxAUCClasses   = 1000
)

// widen adds the metrics beyond loss and accuracy. y has all outputs of a data
// set, with shape out for each sample.
func widen(m *worker.Metrics, h *worker.Hyperparameters, y []float32, t *targets, out []int) {
	width := elements(out)
	switch {
	case worker.ClassLabels(h.LossFunction):
		classMetrics(m, h, y, t.classes, width)
	case !worker.Binary(h.LossFunction):
		regressionMetrics(m, y, t.values, width)
	case width == 1:
		truth, scores := make([]int32, len(y)), make([]float32, 2*len(y))
		for i, v := range y {
			scores[2*i+1] = v // class 1 if above 0
			if t.values[i] > 0.5 {
				truth[i] = 1
			}
		}
		classMetrics(m, &worker.Hyperparameters{}, scores, truth, 2)
	case len(out) == 1:
		labelMetrics(m, y, t.values, width)
	}
}

// labelMetrics computes the metrics of a multi-label classification: precision, recall
// and F1 of each label, the share of samples whose labels are all right, and the mean of
// the labels' AUCs. There is no confusion matrix, because several labels can apply to a
// sample.
func labelMetrics(m *worker.Metrics, y, labels []float32, width int) {
	n := len(y) / width
	var hit, said, there = make([]int, width), make([]int, width), make([]int, width)
	exact := 0
	for i := range n {
		right := true
		for c := range width {
			guess, truth := y[i*width+c] > 0, labels[i*width+c] > 0.5
			right = right && guess == truth
			if guess {
				said[c]++
			}
			if truth {
				there[c]++
			}
			if guess && truth {
				hit[c]++
			}
		}
		if right {
			exact++
		}
	}
	share := ratio(exact, n)
	m.ExactMatch = &share
	if width <= maxTableClasses {
		for c := range width {
			m.PerClass = append(m.PerClass, worker.ClassMetrics{Class: c, Precision: ratio(hit[c], said[c]), Recall: ratio(hit[c], there[c]), F1: ratio(2*hit[c], said[c]+there[c]), Support: there[c]})
		}
	}
	if width <= maxAUCClasses {
		m.AUC = labelAUC(y, labels, width)
	}
}

// labelAUC returns the mean AUC of the labels that apply to some samples but not to
// all; nil if there is no such label.
func labelAUC(y, labels []float32, width int) *worker.Number {
	n := len(y) / width
	var sum float64
	known := 0
	score, truth := make([]float64, n), make([]int32, n)
	for c := range width {
		for i := range n {
			score[i], truth[i] = float64(y[i*width+c]), 0
			if labels[i*width+c] > 0.5 {
				truth[i] = 1
			}
		}
		if a := auc(score, truth, 1); !math.IsNaN(a) {
			sum += a
			known++
		}
	}
	if known == 0 {
		return nil
	}
	mean := worker.Number(sum / float64(known))
	return &mean
}

// classMetrics computes the metrics of a classification from the scores of each
// sample's classes.
func classMetrics(m *worker.Metrics, h *worker.Hyperparameters, scores []float32, truth []int32, classes int) {
	if classes <= maxTableClasses {
		m.Confusion = make([][]int, classes)
		for c := range m.Confusion {
			m.Confusion[c] = make([]int, classes)
		}
		for i, c := range truth {
			m.Confusion[c][argmax(scores[i*classes:(i+1)*classes])]++
		}
		m.PerClass = perClass(m.Confusion)
	}
	if classes <= maxAUCClasses {
		m.AUC = meanAUC(scores, truth, classes)
	}
	if k := h.TopK; k > 0 && k < classes {
		m.TopK = topK(scores, truth, classes, k)
	}
}

func perClass(table [][]int) []worker.ClassMetrics {
	rows := make([]worker.ClassMetrics, len(table))
	for c := range table {
		hit, said, there := table[c][c], 0, 0
		for k := range table {
			said += table[k][c]
			there += table[c][k]
		}
		rows[c] = worker.ClassMetrics{Class: c, Precision: ratio(hit, said), Recall: ratio(hit, there), F1: ratio(2*hit, said+there), Support: there}
	}
	return rows
}

func ratio(a, b int) worker.Number {
	if b == 0 {
		return 0
	}
	return worker.Number(float64(a) / float64(b))
}

func topK(scores []float32, truth []int32, classes, k int) *worker.Number {
	hits := 0
	for i, c := range truth {
		line := scores[i*classes : (i+1)*classes]
		above := 0
		for j, v := range line {
			if v > line[c] || (v == line[c] && j < int(c)) {
				above++
			}
		}
		if above < k {
			hits++
		}
	}
	n := ratio(hits, len(truth))
	return &n
}

// meanAUC returns the macro average of the one-versus-rest AUC of the classes, with the
// probability of the class (softmax of the scores), like scikit-learn's roc_auc_score
// with multi_class="ovr". With two classes it is the AUC of class 1. Classes that do not
// occur are left out; the result is nil if none is left.
func meanAUC(scores []float32, truth []int32, classes int) *worker.Number {
	var sum float64
	known := 0
	score, scale := make([]float64, len(truth)), logSums(scores, classes)
	for c := range classes {
		if classes == 2 && c == 0 {
			continue
		}
		for i := range score {
			if classes == 2 { // same order as the probability, but without its rounding
				score[i] = float64(scores[2*i+1]) - float64(scores[2*i])
			} else {
				score[i] = math.Exp(float64(scores[i*classes+c]) - scale[i])
			}
		}
		if a := auc(score, truth, int32(c)); !math.IsNaN(a) {
			sum += a
			known++
		}
	}
	if known == 0 {
		return nil
	}
	n := worker.Number(sum / float64(known))
	return &n
}

// logSums returns the logarithm of the sum of the exponentials of each row.
func logSums(scores []float32, classes int) []float64 {
	sums := make([]float64, len(scores)/classes)
	for i := range sums {
		line := scores[i*classes : (i+1)*classes]
		most := float64(slices.Max(line))
		var sum float64
		for _, v := range line {
			sum += math.Exp(float64(v) - most)
		}
		sums[i] = most + math.Log(sum)
	}
	return sums
}

// auc returns the area under the ROC curve, computed from ranks; ties get their
// mean rank.
func auc(score []float64, truth []int32, class int32) float64 {
	for _, v := range score {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return math.NaN()
		}
	}
	order := tensors.Argsort(score)
	var ranks, up float64
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && score[order[j]] == score[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			if truth[k] == class {
				ranks += float64(i+j+1) / 2
				up++
			}
		}
		i = j
	}
	down := float64(len(order)) - up
	if up == 0 || down == 0 {
		return math.NaN()
	}
	return (ranks - up*(up+1)/2) / (up * down)
}

// regressionMetrics computes the mean absolute error, the root mean square error and R2,
// averaged over the outputs. For an output whose labels do not vary, R2 is 1 if all
// predictions are right and otherwise 0, as in scikit-learn; a prediction that is no number
// makes it no number either.
func regressionMetrics(m *worker.Metrics, y, labels []float32, width int) {
	n := len(y) / width
	var absolute, square, r2 float64
	for c := range width {
		var mean, rest, spread float64
		same := true // the mean of equal numbers may be another number
		for i := range n {
			same = same && labels[i*width+c] == labels[c]
			mean += float64(labels[i*width+c])
		}
		mean /= float64(n)
		for i := range n {
			d, s := float64(y[i*width+c])-float64(labels[i*width+c]), float64(labels[i*width+c])-mean
			absolute += math.Abs(d)
			rest += d * d
			spread += s * s
		}
		square += rest
		switch {
		case same && rest == 0:
			r2++
		case same:
			r2 += 0 * rest
		default:
			r2 += 1 - rest/spread
		}
	}
	mae, rmse, mean := worker.Number(absolute/float64(len(y))), worker.Number(math.Sqrt(square/float64(len(y)))), worker.Number(r2/float64(width))
	m.MAE, m.RMSE, m.R2 = &mae, &rmse, &mean
}
