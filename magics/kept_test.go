package magics

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// modelIn returns the model in a variable.
func modelIn(t *testing.T, vars *fakeVars, name string) *train.Model {
	t.Helper()
	v, ok := vars.Lookup(name)
	if !ok {
		t.Fatalf("there is no variable %s", name)
	}
	return v.Interface().(*train.Model)
}

// A training whose job runs out of time stops early enough for the variable to hold
// its weights.
func TestTheLimitKeepsTheWeights(t *testing.T) {
	vars := session(t)
	embedded(t)
	store := kept(t)
	for keep, says := range map[string]string{"best": "the best by training loss", "last": "model holds the weights "} {
		begun := time.Now()
		out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1000000 --timeout 5s --keep "+keep, digitsNet, vars, true)
		if err != nil {
			t.Fatalf("--keep %s: %v", keep, err)
		}
		if took := time.Since(begun); took > 9*time.Second {
			t.Errorf("the training took %v", took)
		}
		m := modelIn(t, vars, "model")
		text := out.text()
		if !m.HasWeights() || m.Stopped != worker.StoppedAtLimit || !strings.Contains(text, "Stopped at the limit (--timeout 5s) after epoch ") || !strings.Contains(text, says) || !strings.Contains(text, "go on with --from model") {
			t.Errorf("--keep %s: stopped %q\n%s", keep, m.Stopped, text)
		}
		list, _, err := store.List(t.Context(), runs.Filter{})
		if err != nil || list[0].State != runs.Completed || list[0].Epochs != m.History.Len() || m.Receipt.Epochs != m.History.Len() || *m.Receipt.Weights != m.Weights {
			t.Errorf("--keep %s: the store has %+v, the receipt %d epochs of %d, weights %v of %v", keep, list[0], m.Receipt.Epochs, m.History.Len(), m.Receipt.Weights, m.Weights)
		}
	}
	if out, err := run(t, "runpod_train", "-d Xtrain,ytrain --from model --epochs 1", "", vars, true); err != nil {
		t.Errorf("going on: %v\n%s", err, out.text())
	}
}

// After a training diverges, the cell and %runpod_attach still get the weights from
// before.
func TestADivergedTrainingKeepsItsWeights(t *testing.T) {
	vars := session(t)
	embedded(t)
	kept(t)
	y := make([]float64, 0, 600)
	if v, ok := vars.Lookup("ytrain"); ok {
		for _, n := range v.Interface().([]int) {
			y = append(y, float64(n))
		}
	}
	if err := vars.Define("numbers", y); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "runpod_train", "-d Xtrain,numbers --loss mse --optimizer sgd --lr 0.15 --epochs 400 --seed 1 -o m", "linear 1", vars, true)
	var refused *worker.Error
	if !errors.As(err, &refused) || refused.Kind != worker.ErrDiverged {
		t.Fatalf("the training ended with %v, want that it diverged\n%s", err, out.text())
	}
	m := modelIn(t, vars, "m")
	if !m.HasWeights() || m.Epochs == 0 || m.Epochs > m.History.Len() {
		t.Fatalf("weights %v of epoch %d of %d", m.HasWeights(), m.Epochs, m.History.Len())
	}
	if !strings.Contains(out.text(), "Failed after epoch ") || !strings.Contains(out.text(), "m holds the weights of epoch ") || !strings.Contains(out.text(), "go on with --from m") {
		t.Errorf("shown\n%s", out.text())
	}
	if _, err := run(t, "runpod_attach", "last -o again", "", vars, false); !errors.As(err, &refused) || refused.Kind != worker.ErrDiverged {
		t.Errorf("%%runpod_attach ended with %v", err)
	}
	if again := modelIn(t, vars, "again"); !again.HasWeights() || again.Weights != m.Weights {
		t.Errorf("%%runpod_attach gives the weights %+v, the cell had %+v", again.Weights, m.Weights)
	}
}

// With or without early stopping, the output says which weights the variable holds, and
// the model agrees.
func TestKeepSaysWhichWeights(t *testing.T) {
	vars := session(t)
	embedded(t)
	kept(t)
	best := -1
	for _, c := range []struct{ args, says string }{
		{"--keep last", "weights of epoch 12; "},
		{"", "weights of epoch 12; "},
		{"--keep best", "model holds the weights of epoch %d, the best by validation loss."},
		{"--early-stop 100", "model holds the weights of epoch %d, the best by validation loss."},
		{"--early-stop 100 --keep last", "weights of epoch 12; "},
	} {
		out, err := run(t, "runpod_train", "-d Xtrain,ytrain --val-split 0.3 --lr 0.05 --epochs 12 --seed 2 "+c.args, digitsNet, vars, true)
		if err != nil {
			t.Fatal(err)
		}
		m := modelIn(t, vars, "model")
		want := worker.Weights{Epoch: 12}
		if strings.Contains(c.says, "%d") {
			best = m.History.Best() + 1
			want = worker.Weights{Epoch: best, Best: "val_loss"}
		}
		if m.Weights != want || m.Epochs != want.Epoch {
			t.Errorf("%q: weights %+v, epochs %d, want %+v", c.args, m.Weights, m.Epochs, want)
		}
		says := strings.ReplaceAll(c.says, "%d", strconv.Itoa(best))
		if text := out.text() + out.stdout.String(); !strings.Contains(text, says) {
			t.Errorf("%q: want %q in\n%s", c.args, says, text)
		}
	}
	if best == 12 {
		t.Error("the test wants a best epoch before the last")
	}
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --keep first", digitsNet, vars, true); err == nil || !strings.Contains(err.Error(), "keep") {
		t.Errorf("--keep first: %v", err)
	}
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --from model --epochs 1", "", vars, true); err != nil {
		t.Error(err)
	}
}
