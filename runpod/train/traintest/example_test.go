package traintest_test

import (
	"context"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
)

// A training with a fake worker: the loss of epoch n is 1/n.
func Example() {
	_ = func(t *testing.T) {
		x, y := traintest.Blobs(30)
		endpoint := traintest.Serve(t, &traintest.Worker{})
		m, err := train.Fit(context.Background(), train.Layers("linear 3"), train.Data{X: x, Y: y}, train.Options{Endpoint: endpoint, Epochs: 2})
		if err != nil || m.Epochs != 2 {
			t.Error(m, err)
		}
	}
	// Output:
}
