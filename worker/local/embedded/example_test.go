package embedded_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/gopherpod/gopherpod/worker/local/embedded"
)

// A program serves as its own endpoint: it starts itself with another argument. (The
// example is not run, because its program would be the test.)
func Example() {
	if len(os.Args) > 1 && os.Args[1] == "endpoint" { // the process that trains
		if err := embedded.Serve(context.Background(), embedded.Outlived{After: 30 * time.Minute}); err != nil {
			fmt.Println(err)
		}
		return
	}
	program, err := os.Executable()
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := embedded.Begin(program, "endpoint") // starts with the first request
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	fmt.Println("clients send jobs to", e.URL, "with the key", e.Key != "")
}
