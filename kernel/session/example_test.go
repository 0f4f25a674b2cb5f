package session_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/session"
)

// A kernel of Go cells: the evaluator that kernel.Serve needs. (Not run: the host has to
// be compiled.)
func Example() {
	host, err := build.Open("/path/to/host")
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := kernel.ReadConnectionFile("/path/to/connection.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := session.New(session.Options{Host: host}) // Serve closes it, and it the host
	if err := kernel.Serve(context.Background(), conn, s, kernel.Options{}); err != nil {
		fmt.Println(err)
	}
}
