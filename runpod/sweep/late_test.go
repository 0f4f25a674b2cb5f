package sweep

import (
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/worker/local"
)

// No trial of a sweep is lost if the service knows its job late.
func TestTrialsThatAreVisibleLate(t *testing.T) {
	w := &traintest.Worker{}
	_, e := traintest.Start(t, local.Options{Handler: w.Handle, VisibleAfter: 200 * time.Millisecond})
	X, y := traintest.Blobs(30)
	o := train.Options{Epochs: 2, Seed: train.Seed(1), Endpoint: e}
	r, err := Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, o, []Dimension{{Name: "lr", Low: 1e-3, High: 1e-1, Log: true}}, Options{Trials: 4, Workers: 4})
	if err != nil || len(r.Trials) != 4 || len(w.Requests) != 4 {
		t.Fatalf("%+v, %d jobs, %v", r, len(w.Requests), err)
	}
	for _, trial := range r.Trials {
		if !trial.Succeeded() {
			t.Error(trial.Err)
		}
	}
}
