package pytorch_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
	"github.com/gopherpod/gopherpod/worker/local/pytorch"
)

// An endpoint on this machine that runs models in Python too.
func Example() {
	h := pytorch.Handler(pytorch.Options{
		Engine: engine.Handler(engine.Options{}),
		Source: func() (string, error) { return "/home/me/gopherpod", nil },
	})
	s, err := local.Start(context.Background(), local.Options{Handler: h})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.EndpointID())
	// Output: local
}
