package magics_test

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/magics"
)

// Named lets a command line take the options of a magic from the magic itself.
func ExampleNamed() {
	c := magics.Named("runpod_cancel")
	flags := pflag.NewFlagSet(c.Name(), pflag.ContinueOnError)
	run := c.Bind(flags)
	fmt.Println(c.Summary())
	fmt.Println(run != nil)
	// Output:
	// end a run on the endpoint: that of a model, the beginning of a run's id, or a job's id
	// true
}
