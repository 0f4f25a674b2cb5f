package track_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/track"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// An observer logs a training: here to TensorBoard and to an offline W&B run, on an endpoint
// on this machine.
func ExampleObserve() {
	ctx := context.Background()
	s, err := local.Start(ctx, local.Options{Handler: engine.Handler(engine.Options{}), Workers: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
	if err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "track")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	trackers := map[string]track.Tracker{
		"tensorboard": &track.TensorBoard{Dir: filepath.Join(folder, "tensorboard")},
		"wandb":       &track.Wandb{Dir: folder, Project: "examples"},
	}
	model, err := train.Fit(ctx, train.Layers("linear 8\ntanh\nlinear 2"),
		train.Data{X: [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, Y: []int{0, 1, 1, 0}},
		train.Options{
			Endpoint: client.Endpoint(runpod.EndpointID(s.EndpointID())), Epochs: 3, Seed: train.Seed(1),
			Observers: []train.Observer{track.Observe(trackers, func(line string) { fmt.Println(line) })},
		})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Epochs, "epochs")
	for _, pattern := range []string{"tensorboard/*/events.out.tfevents.*", "wandb/offline-run-*/run-*.wandb", "wandb/offline-run-*/files/*.safetensors"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(files), pattern)
	}
	// Output:
	// 3 epochs
	// 1 tensorboard/*/events.out.tfevents.*
	// 1 wandb/offline-run-*/run-*.wandb
	// 1 wandb/offline-run-*/files/*.safetensors
}
