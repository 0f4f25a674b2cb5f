package train_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A network learns XOR on an endpoint of this machine. Without Endpoint, Fit uses the one
// that the environment names.
func ExampleFit() {
	server, err := local.Start(context.Background(), local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := runpod.New(runpod.Config{BaseURL: server.BaseURL(), APIKey: runpod.Secret(server.Key())})
	if err != nil {
		fmt.Println(err)
		return
	}
	X, y := [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, []int{0, 1, 1, 0}
	model, err := train.Fit(context.Background(), train.Layers("linear 16\ntanh\nlinear 2"), train.Data{X: X, Y: y}, train.Options{
		Endpoint: client.Endpoint(runpod.EndpointID(server.EndpointID())), Epochs: 100, LearningRate: 0.05, Seed: train.Seed(1),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	classes, err := model.Classes(X)
	fmt.Println(classes, err)
	// Output: [0 1 1 0] <nil>
}
