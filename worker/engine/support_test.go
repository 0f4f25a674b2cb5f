package engine

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// TestSupportIsTrue: the engine has the losses and optimizers that the contract lists
// for it, and refuses the others with ErrUnsupported.
func TestSupportIsTrue(t *testing.T) {
	s := contract.SupportOf(contract.WorkerEngine)
	supported := func(what, name string, list []string, err error) {
		var e *worker.Error
		if has := slices.Contains(list, name); has != (err == nil) || !has && (!errors.As(err, &e) || e.Kind != worker.ErrUnsupported) {
			t.Errorf("%s %s: the contract says %v, the engine %v", what, name, has, err)
		}
	}
	for _, name := range contract.LossNames() {
		_, err := newLoss(&worker.Hyperparameters{LossFunction: name, Delta: 1}, []int{3})
		supported("loss", name, s.Losses, err)
	}
	for _, name := range contract.OptimizerNames() {
		_, err := newOptimizer(&worker.Hyperparameters{Optimizer: name}, 3)
		supported("optimizer", name, s.Optimizers, err)
	}
	if !slices.Equal(s.Schedulers, contract.SchedulerNames()) {
		t.Errorf("the engine has all schedulers, the contract says %v", s.Schedulers)
	}
}

// TestMetricsAreTheContracts: for each loss, an evaluation has the metrics that the
// contract lists for the loss's labels.
func TestMetricsAreTheContracts(t *testing.T) {
	for _, loss := range contract.SupportOf(contract.WorkerEngine).Losses {
		task := contract.TaskOf(loss)
		h := &worker.Hyperparameters{LossFunction: loss, TopK: 1, Delta: 1}
		labels := &targets{values: []float32{0, 1, 0, 1, 1, 0}}
		if task == contract.TaskClasses {
			labels = &targets{classes: []int32{0, 1, 1}}
		}
		var m worker.Metrics
		widen(&m, h, []float32{1, 2, 3, 4, 5, 6}, labels, []int{2})
		got, want := map[string]bool{"loss": true}, map[string]bool{}
		l, err := newLoss(h, []int{2})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := l.correct([]float32{1, 2, 3, 4, 5, 6}, labels, 3); ok {
			got["accuracy"] = true
		}
		for _, row := range contract.Metrics() {
			if row.Of(task) {
				want[row.Name] = true
			}
			if m.Value(row.Name) != nil || row.PerClass && m.PerClass != nil {
				got[row.Name] = true
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s has %v, the contract says %v", loss, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}
