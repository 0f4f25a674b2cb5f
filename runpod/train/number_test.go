package train

import (
	"errors"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
)

// TestZeroOptions: an explicit 0 is used if the contract allows it, else the error names the
// option. An option that is not given has its default.
func TestZeroOptions(t *testing.T) {
	h, err := Options{Optimizer: "adamw", WeightDecay: 0, LearningRate: float32(0)}.hyperparameters()
	if err != nil || h.WeightDecay != 0 || h.LearningRate != 0 {
		t.Errorf("%+v, %v; want zeros", h, err)
	}
	h, err = Options{Optimizer: "adamw"}.hyperparameters()
	if err != nil || h.WeightDecay != 0.01 || h.LearningRate != 0.001 || h.Epochs != DefaultEpochs {
		t.Errorf("%+v, %v; want defaults", h, err)
	}
	for field, o := range map[string]Options{
		"epochs": {Epochs: 0}, "batch_size": {BatchSize: 0}, "learning_rate": {LearningRate: "0.1"}, "momentum": {Momentum: 0.9},
	} {
		_, err := o.hyperparameters()
		var e *worker.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("%+v: %v, want it refused at %s", field, err, field)
		}
	}
}

// TestFromIsTurnedOff: decay, clipping and scheduler of the model that a training continues from are
// turned off by an explicit 0 and by the type "none".
func TestFromIsTurnedOff(t *testing.T) {
	scheduler := &worker.Scheduler{Type: "cosine"}
	from := &Model{Hyperparameters: worker.Hyperparameters{Optimizer: "adamw", WeightDecay: 0.1, ClipNorm: 2, Scheduler: scheduler}}
	h, err := Options{From: from}.hyperparameters()
	if err != nil || h.WeightDecay != 0.1 || h.ClipNorm != 2 || h.Scheduler == nil {
		t.Errorf("%+v, %v; want those of the model", h, err)
	}
	h, err = Options{From: from, WeightDecay: 0, ClipNorm: 0, Scheduler: &worker.Scheduler{Type: "none"}}.hyperparameters()
	if err != nil || h.WeightDecay != 0 || h.ClipNorm != 0 || h.Scheduler != nil {
		t.Errorf("%+v, %v; want all of them off", h, err)
	}
}
