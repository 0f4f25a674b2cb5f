package train

import (
	"math"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
)

// compared returns a model with that loss and with validation losses and accuracies by epoch.
func compared(h worker.Hyperparameters, outputs int, valLoss, valAccuracy []float64) *Model {
	var records []worker.Epoch
	for i, v := range valLoss {
		loss := worker.Number(v)
		e := worker.Epoch{Epoch: i + 1, Loss: 1, ValLoss: &loss}
		if valAccuracy != nil {
			a := worker.Number(valAccuracy[i])
			e.ValAccuracy = &a
		}
		records = append(records, e)
	}
	return &Model{Hyperparameters: h, Output: []int{outputs}, History: NewHistory(records)}
}

func TestCompare(t *testing.T) {
	ce := worker.Hyperparameters{LossFunction: "cross_entropy"}
	smooth := worker.Hyperparameters{LossFunction: "cross_entropy", LabelSmoothing: 0.2}
	weighted := worker.Hyperparameters{LossFunction: "cross_entropy", ClassWeights: []float64{1, 9}}
	bce, mse, l1 := worker.Hyperparameters{LossFunction: "bce_with_logits"}, worker.Hyperparameters{LossFunction: "mse"}, worker.Hyperparameters{LossFunction: "l1"}
	good, bad := []float64{0.9, 0.95}, []float64{0.6, 0.5}
	test := func(accuracy, rmse float64) *Evaluation { return &Evaluation{Accuracy: accuracy, RMSE: rmse} }
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		models []*Model
		tests  []*Evaluation
		best   int
		want   string
	}{
		{"one loss", []*Model{compared(ce, 2, []float64{0.5, 0.6}, bad), compared(ce, 2, []float64{0.7}, good[:1])}, nil, 0, "by validation loss"},
		{"one without validation", []*Model{compared(ce, 2, []float64{0.5}, nil), {Hyperparameters: ce, History: NewHistory([]worker.Epoch{{Loss: 0.1}})}}, nil, 0, "by validation loss"},
		{"the default, written", []*Model{compared(worker.Hyperparameters{}, 2, []float64{0.5}, nil), compared(ce, 2, []float64{0.4}, nil)}, nil, 1, "by validation loss"},
		{"smoothing", []*Model{compared(ce, 2, []float64{0.5, 0.4}, good), compared(smooth, 2, []float64{0.1, 0.1}, bad)}, nil, 0, "by validation accuracy; their losses are not comparable (label_smoothing differ)"},
		{"class weights", []*Model{compared(weighted, 2, []float64{0.1, 0.1}, bad), compared(ce, 2, []float64{0.5, 0.4}, good)}, nil, 1, "(class_weights differ)"},
		{"two losses for classes", []*Model{compared(bce, 1, []float64{0.1, 0.1}, bad), compared(ce, 2, []float64{0.5, 0.5}, good)}, nil, 1, "by validation accuracy"},
		{"tests count more", []*Model{compared(ce, 2, []float64{0.5, 0.4}, good), compared(smooth, 2, []float64{0.1, 0.1}, bad)}, []*Evaluation{test(0.7, nan), test(0.8, nan)}, 1, "by test accuracy"},
		{"two losses for numbers", []*Model{compared(mse, 1, []float64{0.01}, nil), compared(l1, 1, []float64{0.1}, nil)}, nil, -1, "not ranked"},
		{"with tests", []*Model{compared(mse, 1, []float64{0.01}, nil), compared(l1, 1, []float64{0.1}, nil)}, []*Evaluation{test(nan, 0.3), test(nan, 0.2)}, 1, "by test RMSE"},
		{"huber's delta", []*Model{compared(worker.Hyperparameters{LossFunction: "huber", Delta: 0.1}, 1, []float64{0.01}, nil), compared(worker.Hyperparameters{LossFunction: "huber"}, 1, []float64{0.1}, nil)}, nil, -1, "(delta differ)"},
		{"labels and classes", []*Model{compared(bce, 3, []float64{0.1, 0.1}, good), compared(ce, 3, []float64{0.5, 0.5}, bad)}, nil, -1, "not ranked"},
		{"several labels", []*Model{compared(bce, 3, []float64{0.3, 0.3}, good), compared(bce, 3, []float64{0.5, 0.5}, bad)}, nil, 0, "by validation loss"},
	} {
		got := Compare(c.models, c.tests)
		if got.Best != c.best || !strings.Contains(got.String(), c.want) {
			t.Errorf("%s: best %d, %s", c.name, got.Best, got)
		}
	}
	if c := Compare([]*Model{compared(mse, 1, []float64{1}, nil), compared(l1, 1, []float64{1}, nil)}, nil); !c.Untested {
		t.Error("a test would rank them, and nothing says so")
	}
	if c := Compare([]*Model{compared(mse, 1, []float64{1}, nil), compared(ce, 3, []float64{1}, nil)}, nil); c.Untested {
		t.Error("no test would rank them")
	}
}
