package train

import (
	"math"

	"github.com/gopherpod/gopherpod/worker"
)

// A History has the figures of a training, one element per epoch in each slice. A figure
// that was not measured is NaN in all epochs; see HasValidation and HasAccuracy.
type History struct {
	Epoch        []float64 // 1, 2, ...
	Loss         []float64 // mean over the training samples during the epoch
	Accuracy     []float64 // 0 to 1
	ValLoss      []float64 // measured after the epoch
	ValAccuracy  []float64
	LearningRate []float64
	Seconds      []float64
	// Records are the same epochs as the worker sent them.
	Records []worker.Epoch
}

// NewHistory returns the history of the records.
func NewHistory(records []worker.Epoch) History {
	h := History{Records: records}
	for _, e := range records {
		h.Epoch = append(h.Epoch, float64(e.Epoch))
		h.Loss = append(h.Loss, float64(e.Loss))
		h.Accuracy = append(h.Accuracy, value(e.Accuracy))
		h.ValLoss = append(h.ValLoss, value(e.ValLoss))
		h.ValAccuracy = append(h.ValAccuracy, value(e.ValAccuracy))
		h.LearningRate = append(h.LearningRate, float64(e.LearningRate))
		h.Seconds = append(h.Seconds, float64(e.Seconds))
	}
	return h
}

func value(n *worker.Number) float64 {
	if n == nil {
		return math.NaN()
	}
	return float64(*n)
}

// Len returns the number of epochs.
func (h History) Len() int { return len(h.Epoch) }

// HasValidation reports whether validation was measured.
func (h History) HasValidation() bool { return h.Len() > 0 && h.Records[0].ValLoss != nil }

// HasAccuracy reports whether accuracy was measured, which it is for classes only.
func (h History) HasAccuracy() bool { return h.Len() > 0 && h.Records[0].Accuracy != nil }

// Best returns the index of the epoch with the smallest validation loss or, without
// validation, the smallest loss; -1 if there is none.
func (h History) Best() int {
	values, best := h.Loss, -1
	if h.HasValidation() {
		values = h.ValLoss
	}
	for i, v := range values {
		if !math.IsNaN(v) && (best < 0 || v < values[best]) {
			best = i
		}
	}
	return best
}

// Points pairs a column with the epochs, for gonum/plot:
//
//	line, err := plotter.NewLine(model.History.Points(model.History.Loss))
func (h History) Points(column []float64) Points {
	n := min(len(h.Epoch), len(column))
	return Points{X: h.Epoch[:n], Y: column[:n]}
}

// Points are the points of a curve. They satisfy plotter.XYer.
type Points struct{ X, Y []float64 }

// Len returns the number of points.
func (p Points) Len() int { return len(p.X) }

// XY returns point i.
func (p Points) XY(i int) (x, y float64) { return p.X[i], p.Y[i] }
