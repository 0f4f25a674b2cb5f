package track_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/track"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A training from Go is tracked by its events: here as an offline run of W&B, on an
// endpoint on this machine.
func ExampleStart() {
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

	run := track.Run{ID: "first", Title: "exclusive or", Params: map[string]string{"epochs": "3"}, Begun: time.Now()}
	trackers := map[string]track.Tracker{"wandb": &track.Wandb{Dir: folder, Project: "examples"}}
	session := track.Start(ctx, run, trackers, func(line string) { fmt.Println(line) })
	_, err = train.Fit(ctx, train.Layers("linear 8\ntanh\nlinear 2"),
		train.Data{X: [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, Y: []int{0, 1, 1, 0}},
		train.Options{
			Endpoint: client.Endpoint(runpod.EndpointID(s.EndpointID())), Epochs: 3, Seed: train.Seed(1),
			OnEvent: func(e train.Event) {
				if e.Type == worker.EventEpoch {
					session.Epoch(*e.Epoch)
				}
			},
		})
	result := track.Result{Status: "completed"}
	if err != nil {
		result = track.Result{Status: "failed", Error: err.Error()}
	}
	session.End(result)
	files, err := filepath.Glob(filepath.Join(folder, "wandb", "offline-run-*-first", "*.wandb"))
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		fmt.Println(result.Status, filepath.Base(f))
	}
	// Output:
	// completed run-first.wandb
}
