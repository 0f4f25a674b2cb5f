package sweep_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/sweep"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// parabola returns samples of y = x², which a small network learns.
func parabola() train.Data {
	random := rand.New(rand.NewPCG(1, 2))
	X, y := make([][]float64, 200), make([]float64, 200)
	for i := range X {
		X[i] = []float64{2*random.Float64() - 1}
		y[i] = X[i][0] * X[i][0]
	}
	return train.Data{X: X, Y: y}
}

// endpoint starts an endpoint on this machine, with the Go engine as its worker.
func endpoint() (*runpod.Endpoint, func()) {
	s, err := local.Start(context.Background(), local.Options{Handler: engine.Handler(engine.Options{}), Workers: 2})
	if err != nil {
		panic(err)
	}
	client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
	if err != nil {
		panic(err)
	}
	return client.Endpoint(runpod.EndpointID(s.EndpointID())), func() { s.Close() }
}

// Any optimizer of hyperparameters calls Trial as its function: here, a search that
// halves the learning rate as long as that helps.
func ExampleTrial() {
	ep, closeEndpoint := endpoint()
	defer closeEndpoint()
	o := train.Options{Endpoint: ep, Loss: "mse", Epochs: 20, ValidationSplit: 0.2, Seed: train.Seed(1)}
	best := math.Inf(1)
	for lr := 0.4; ; lr /= 2 {
		value, _, err := sweep.Trial(context.Background(), "linear $hidden\ntanh\nlinear 1", parabola(), o, sweep.Point{"lr": lr, "hidden": 16})
		if err != nil {
			fmt.Println(err)
			return
		}
		if value >= best {
			break
		}
		best = value
	}
	fmt.Println("best below 0.01:", best < 0.01)
	// Output:
	// best below 0.01: true
}

// Run searches a space: here by TPE, with two trials at once, stopping those that
// are behind others.
func ExampleRun() {
	ep, closeEndpoint := endpoint()
	defer closeEndpoint()
	var space []sweep.Dimension
	for _, text := range []string{"lr=log(1e-4,1)", "hidden=[4,16]"} {
		d, err := sweep.ParseDimension(text)
		if err != nil {
			panic(err)
		}
		space = append(space, d)
	}
	r, err := sweep.Run(context.Background(), train.Layers("linear $hidden\ntanh\nlinear 1"), parabola(),
		train.Options{Endpoint: ep, Loss: "mse", Epochs: 18, ValidationSplit: 0.2, Seed: train.Seed(1)}, space,
		sweep.Options{Trials: 16, Workers: 2, Method: sweep.MethodTPE, Halving: &sweep.Halving{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	stopped := 0
	for _, t := range r.Trials {
		if t.Stopped > 0 {
			stopped++
		}
	}
	fmt.Println(len(r.Trials), "trials, most of them ended early:", stopped > 8)
	fmt.Println("the best is good:", r.Trials[r.Best].Value < 0.01, r.BestModel().HasWeights())
	// Output:
	// 16 trials, most of them ended early: true
	// the best is good: true true
}
