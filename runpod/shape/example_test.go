package shape_test

import (
	"testing"

	"github.com/gopherpod/gopherpod/runpod/shape"
)

// A client's test checks each of its requests against RunPod's schema.
func Example() {
	_ = func(t *testing.T) {
		table := shape.Load(t)
		if err := table.Request("POST", "/v2/serverless", nil, []byte(`{"name":"a"}`)); err == nil {
			t.Error("an endpoint without an image is accepted")
		}
	}
	// Output:
}
