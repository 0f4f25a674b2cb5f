package session_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/session"
)

// The evaluator of Go cells that kernel.Serve needs. (Not run, because the host must be
// compiled first.)
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
	s := session.New(session.Options{Host: host}) // Serve closes the session, which closes the host
	if err := kernel.Serve(context.Background(), conn, s, kernel.Options{}); err != nil {
		fmt.Println(err)
	}
}
