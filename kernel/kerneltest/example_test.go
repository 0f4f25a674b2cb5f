package kerneltest_test

import (
	"testing"

	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

// A front end runs a cell on a kernel whose cells are functions.
func Example() {
	_ = func(t *testing.T) {
		fake := &kerneltest.Fake{Cells: map[string]func(*kerneltest.Run) error{
			"hello": func(r *kerneltest.Run) error {
				r.Stream("stdout", []byte("hello, gopher\n"))
				return nil
			},
		}}
		client := kerneltest.Start(t, fake)
		if r := client.Execute("hello"); r.Status() != "ok" || r.Stdout() != "hello, gopher\n" {
			t.Error(r)
		}
	}
	// Output:
}
