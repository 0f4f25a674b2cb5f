package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

func stateDigest(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.StateDigest(b)
}

// TestStateDelta: an answer has its states as deltas if the request accepts them, a
// client that collects the run gets full states, and a worker that has the base accepts
// a delta in a request.
func TestStateDelta(t *testing.T) {
	store := MemoryStore(1 << 30)
	h := Handler(Options{Store: store})
	request := worker.Request{
		Operation: worker.OpTrain, Protocol: 1,
		Model:           &worker.ModelConfig{Type: "sequential", Layers: []worker.Layer{{Type: "linear", Params: map[string]any{"out_features": 20000}}}},
		Hyperparameters: &worker.Hyperparameters{Epochs: 1, Seed: new(int64)},
		TrainingData:    &worker.Dataset{Features: worker.Value{List: json.RawMessage(`[[1, 2, 3, 4]]`)}, Labels: worker.Value{List: json.RawMessage(`[0]`)}},
	}
	run := func(h worker.Handler, r worker.Request) *worker.TrainResult {
		t.Helper()
		result, _, err := runJob(t, h, r)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	first := run(h, request)
	next := request
	next.ModelState, next.OptimizerState, next.StartEpoch = worker.StateRef+stateDigest(t, first.ModelState), first.OptimizerState, 1
	want := run(h, next)
	next.StateDelta, next.RunID = true, "r1"
	got := run(h, next)
	for _, s := range []struct{ base, delta, want string }{{first.ModelState, got.ModelState, want.ModelState}, {first.OptimizerState, got.OptimizerState, want.OptimizerState}} {
		state, err := tensors.DecodeDelta(s.base, s.delta, 0)
		if err != nil || state != s.want || len(s.delta) >= len(s.want) {
			t.Fatalf("a difference of %d bytes for a state of %d: %v", len(s.delta), len(s.want), err)
		}
	}
	if again := run(h, next); again.ModelState != got.ModelState {
		t.Error("a repeated request gets another answer")
	}
	collected := run(h, worker.Request{Operation: worker.OpCollect, Protocol: 1, RunID: "r1"})
	if collected.ModelState != want.ModelState || collected.OptimizerState != want.OptimizerState || len(collected.History) != 1 {
		t.Error("collect does not return the full states")
	}

	// The next worker has the base only.
	other := MemoryStore(1 << 30)
	on := next
	on.RunID, on.StateDelta, on.StartEpoch = "", false, 2
	on.ModelState, on.OptimizerState = got.ModelState, want.OptimizerState
	_, _, err := runJob(t, Handler(Options{Store: other}), on)
	var e *worker.Error
	if !errors.As(err, &e) || e.Kind != worker.ErrMissing || e.Field != "model_state" {
		t.Errorf("without the base: %v", err)
	}
	b, err := base64.StdEncoding.DecodeString(first.ModelState)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Put(tensors.Tensor{DType: tensors.Uint8, Shape: []int{len(b)}, Data: b}); err != nil {
		t.Fatal(err)
	}
	third := run(Handler(Options{Store: other}), on)
	on.ModelState = want.ModelState
	if whole := run(h, on); whole.ModelState != third.ModelState {
		t.Error("a delta in a request gives another state")
	}
	if _, ok := other.Get(stateDigest(t, want.ModelState)); !ok {
		t.Error("the state of a delta is not kept")
	}
	on.ModelState = got.ModelState[:100] + "AAAA"
	if _, _, err := runJob(t, h, on); !errors.As(err, &e) || e.Kind != worker.ErrInvalid || e.Field != "model_state" {
		t.Errorf("no difference: %v", err)
	}

	epoch := next
	epoch.Operation, epoch.RunID = worker.OpTrainEpoch, ""
	raw, err := json.Marshal(epoch)
	if err != nil {
		t.Fatal(err)
	}
	output, err := h(context.Background(), worker.Job{Input: raw}, func(json.RawMessage) error { return nil })
	var answer worker.Response
	if err != nil || json.Unmarshal(output, &answer) != nil || !tensors.IsDelta(answer.ModelState) || !tensors.IsDelta(answer.OptimizerState) {
		t.Errorf("train_epoch: %v, %.20s", err, answer.ModelState)
	}
}
