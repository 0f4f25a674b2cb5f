package engine_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
)

// The handler trains a model that learns y = 2x + 1, and streams events meanwhile.
func ExampleHandler() {
	input := json.RawMessage(`{
		"operation": "train", "protocol": 1,
		"model_config": {"layers": [{"type": "linear", "out_features": 1}]},
		"hyperparameters": {"epochs": 200, "optimizer": "sgd", "learning_rate": 0.1, "loss_function": "mse", "seed": 1},
		"training_data": {"features": [[-1], [0], [1]], "labels": [-1, 1, 3]}
	}`)
	var collected worker.Collector
	handle := engine.Handler(engine.Options{})
	_, err := handle(context.Background(), worker.Job{ID: "1", Input: input}, func(chunk json.RawMessage) error {
		var e worker.Event
		if err := json.Unmarshal(chunk, &e); err != nil {
			return err
		}
		_, err := collected.Add(e)
		return err
	})
	if err != nil {
		panic(err)
	}
	result, err := collected.Result()
	if err != nil {
		panic(err)
	}
	last := result.History[len(result.History)-1]
	fmt.Printf("epoch %d of %d: loss %.4f on the %s\n", last.Epoch, last.Epochs, last.Loss, result.Device)
	// Output: epoch 200 of 200: loss 0.0000 on the cpu
}
