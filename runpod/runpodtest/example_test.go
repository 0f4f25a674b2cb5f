package runpodtest_test

import (
	"context"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// A test lists the requests that its code should send. Any other request, or a
// missing one, fails the test.
func Example() {
	_ = func(t *testing.T) {
		s := runpodtest.New(t, runpodtest.Step{
			Method: "POST", Path: "/v2/ep/run", Body: `{"input":{"x":1}}`, Reply: `{"id":"j","status":"IN_QUEUE"}`,
		})
		c, err := runpod.New(s.Config())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Endpoint("ep").Run(context.Background(), runpod.Request{Input: map[string]int{"x": 1}}); err != nil {
			t.Error(err)
		}
	}
	// Output:
}
