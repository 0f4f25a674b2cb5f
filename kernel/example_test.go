package kernel_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/kernel"
)

// shout is the smallest evaluator: a cell's output is its source in capitals.
type shout struct{}

func (shout) Execute(_ context.Context, c kernel.Cell, out kernel.Output) error {
	if c.Source == "" {
		return &kernel.EvalError{Name: "Silence", Value: "nothing to shout"}
	}
	out.Stream("stdout", []byte(strings.ToUpper(c.Source)+"\n"))
	return nil
}
func (shout) Interrupt() {}
func (shout) Complete(context.Context, string, int) (kernel.Completion, error) {
	return kernel.Completion{}, nil
}
func (shout) Inspect(context.Context, string, int, int) (kernel.Bundle, bool, error) {
	return nil, false, nil
}
func (shout) IsComplete(string) (status, indent string) { return "complete", "" }
func (shout) Eval(context.Context, string) (kernel.Bundle, error) {
	return nil, &kernel.EvalError{Name: "Eval", Value: "no expressions"}
}
func (shout) Close() error { return nil }

// A kernel for another language runs until the front end shuts it down or ctx is done.
func ExampleServe() {
	conn := kernel.ConnectionInfo{IP: "127.0.0.1", Key: "a secret", SignatureScheme: "hmac-sha256"}
	ctx, stop := context.WithCancelCause(context.Background())
	err := kernel.Serve(ctx, conn, shout{}, kernel.Options{
		Ready: func(c kernel.ConnectionInfo) {
			fmt.Println("listens on", c.IP, c.ShellPort != 0)
			stop(fmt.Errorf("the example is over"))
		},
	})
	fmt.Println(err)
	// Output:
	// listens on 127.0.0.1 true
	// the example is over
}
