package supervisor_test

import (
	"fmt"
	"os"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/supervisor"
)

// A session process starts when it is needed, and again after it dies. (Not run, because
// the session program would have to be compiled.)
func Example() {
	s := supervisor.New(supervisor.Options{
		Program: "/path/to/session",
		Env:     os.Environ(),
		Event:   func(_ *supervisor.Process, e frame.Event) { fmt.Println(e.Op) },
	})
	defer s.Close()
	p, err := s.Started()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Send(frame.Command{Op: frame.Run, ID: 1, File: "/path/to/cell.so", Entry: "nb1.main"}))
}
