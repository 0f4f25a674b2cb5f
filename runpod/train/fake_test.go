package train

import (
	"context"
	"encoding/json"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// Short names for what the tests share with those of other packages.
type fakeWorker = traintest.Worker

func serve(t *testing.T, f *fakeWorker) *runpod.Endpoint { return traintest.Serve(t, f) }

func start(t *testing.T, o local.Options) (*local.Server, *runpod.Endpoint) {
	return traintest.Start(t, o)
}

func manyWorkers(t *testing.T, n int, f worker.Handler) *runpod.Endpoint {
	return traintest.Workers(t, n, f)
}

func blobs(n int) (*mat.Dense, []int) { return traintest.Blobs(n) }

// wholeRun returns the events of a run of the plan.
func wholeRun(p *Plan, epochs int) ([]worker.Event, error) {
	p.request.Hyperparameters.Epochs = epochs
	b, err := new(fakeWorker).Train(context.Background(), p.request, func(json.RawMessage) error { return nil })
	if err != nil {
		return nil, err
	}
	var events []worker.Event
	return events, json.Unmarshal(b, &events)
}
