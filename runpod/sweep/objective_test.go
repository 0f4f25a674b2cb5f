package sweep

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// smoothed is a worker whose loss and accuracy both fall as label smoothing grows: by loss
// the worst trial looks best.
func smoothed() *traintest.Worker {
	return &traintest.Worker{Measure: func(r *worker.Request, e *worker.Epoch) {
		s := r.Hyperparameters.LabelSmoothing
		right := worker.Number(1 - s)
		e.Loss, e.Accuracy = worker.Number(2-s), &right
	}}
}

func TestSmoothingIsRankedByAccuracy(t *testing.T) {
	X, y := traintest.Blobs(30)
	data := train.Data{X: X, Y: y}
	space := dimensions(t, "label_smoothing=[0.4,0,0.2]")
	o := train.Options{Epochs: 2, Seed: train.Seed(1), Endpoint: traintest.Serve(t, smoothed())}
	journal := filepath.Join(t.TempDir(), "j")
	s := Options{Method: MethodGrid, Workers: 1, Journal: journal}
	for range 2 { // the second time from the journal
		r, err := Run(context.Background(), twoLayers, data, o, space, s)
		if err != nil {
			t.Fatal(err)
		}
		best := r.Trials[r.Best]
		if best.Point["label_smoothing"] != 0 || best.Value != 0 || r.Objective.String() != "training accuracy" || r.Objective.Figure(best.Value) != 1 {
			t.Errorf("best %v with %v by %v", best.Point, best.Value, r.Objective)
		}
	}
	// ASHA's rungs use the same metric: by accuracy, the second of three trials
	// continues.
	s = Options{Method: MethodGrid, Workers: 1, Halving: &Halving{Factor: 2, MinEpochs: 1}}
	o.Epochs = 4
	r, err := Run(context.Background(), twoLayers, data, o, space, s)
	if err != nil {
		t.Fatal(err)
	}
	if got := []int{r.Trials[0].Stopped, r.Trials[1].Stopped, r.Trials[2].Stopped}; got[0] != 0 || got[1] != 0 || got[2] == 0 {
		t.Errorf("stopped after %v", got)
	}
	value, _, err := Trial(context.Background(), twoLayers, data, o, Point{"label_smoothing": 0.25})
	if err != nil || math.Abs(value-0.25) > 1e-9 {
		t.Errorf("a single trial has %v, %v", value, err)
	}
}

// Trials that vary a row that is part of the loss are never ranked by the loss. The
// cases come from the contract's table.
func TestObjectives(t *testing.T) {
	for _, row := range contract.Hyperparameters() {
		if !row.InLoss {
			continue
		}
		name := dimensionName(row)
		by, err := ObjectiveOf(train.Options{}, []Dimension{{Name: name}}, Options{})
		switch {
		case row.Varies && (err != nil || !by.Accuracy):
			t.Errorf("%s: %v, %v", name, by, err)
		case row.Varies:
			_, err = ObjectiveOf(train.Options{}, []Dimension{{Name: name}}, Options{Objective: ObjectiveLoss})
			refusedAs(t, name, err, "changes what the loss measures")
			_, err = ObjectiveOf(train.Options{Loss: "mse"}, []Dimension{{Name: name}}, Options{})
			refusedAs(t, name, err, "mse has no accuracy")
		default:
			_, _, err := apply(twoLayers, train.Options{}, Point{name: 1})
			refusedAs(t, name, err, "changes what the loss measures")
		}
	}
	lr := dimensions(t, "lr=log(1e-4,1e-1)")
	for _, c := range []struct {
		o    train.Options
		s    Options
		want string
	}{
		{train.Options{}, Options{}, "training loss"},
		{train.Options{ValidationSplit: 0.2}, Options{}, "validation loss"},
		{train.Options{ValidationSplit: 0.2}, Options{Objective: ObjectiveAccuracy}, "validation accuracy"},
		{train.Options{From: &train.Model{Hyperparameters: worker.Hyperparameters{ValidationSplit: 0.1}}}, Options{}, "validation loss"},
		{train.Options{Validation: &train.Data{}}, Options{Objective: ObjectiveLoss}, "validation loss"},
	} {
		by, err := ObjectiveOf(c.o, lr, c.s)
		if err != nil || by.String() != c.want {
			t.Errorf("%v, %v, want %s", by, err, c.want)
		}
	}
	_, err := ObjectiveOf(train.Options{Loss: "mse"}, lr, Options{Objective: ObjectiveAccuracy})
	refusedAs(t, "mse", err, "has no accuracy")
	_, err = ObjectiveOf(train.Options{}, lr, Options{Objective: "f1"})
	refusedAs(t, "f1", err, "want one of loss, accuracy")
}

func refusedAs(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %s", name, err, want)
	}
}

// With validation data the best epoch counts, as for the loss; an epoch without the
// metric does not count.
func TestObjectiveValue(t *testing.T) {
	var epochs []worker.Epoch
	if err := json.Unmarshal([]byte(`[{"loss": 1, "val_loss": 3, "val_accuracy": 0.5}, {"loss": 1, "val_loss": 2, "val_accuracy": 0.75}, {"loss": 1, "val_loss": "NaN", "val_accuracy": 0.25}]`), &epochs); err != nil {
		t.Fatal(err)
	}
	h := train.NewHistory(epochs)
	if v := (Objective{Validation: true}).value(h); v != 2 {
		t.Errorf("loss %v", v)
	}
	if v := (Objective{Accuracy: true, Validation: true}).value(h); v != 0.25 {
		t.Errorf("accuracy %v", v)
	}
	if v := (Objective{Accuracy: true}).value(train.NewHistory([]worker.Epoch{{Loss: 1}})); !math.IsInf(v, 1) {
		t.Errorf("no accuracy: %v", v)
	}
}
