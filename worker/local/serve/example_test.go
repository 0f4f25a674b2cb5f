package serve_test

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/worker/local/serve"
)

// This is what gopherpod local does. (The example is not run, because it serves
// until it is interrupted.)
func ExampleRun() {
	flags := pflag.NewFlagSet("local", pflag.ExitOnError)
	serve.Flags(flags)
	if err := flags.Parse([]string{"--addr=127.0.0.1:8080"}); err != nil {
		fmt.Println(err)
		return
	}
	source := func() (string, error) { return os.Getwd() }
	if err := serve.Run(context.Background(), flags, os.Stdout, source); err != nil {
		fmt.Println(err)
	}
}
