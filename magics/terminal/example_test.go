package terminal_test

import (
	"context"
	"os"
	"strings"

	"github.com/gopherpod/gopherpod/magics/terminal"
)

// A command line in a program of one's own.
func Example() {
	p := terminal.Program{Stdin: strings.NewReader(""), Stdout: os.Stdout, Stderr: os.Stdout}
	code := p.Run(context.Background(), []string{"trian"})
	if code != terminal.OK {
		os.Stdout.WriteString("did not run\n")
	}
	// Output:
	// gopherpod: unknown command "trian"; did you mean train?
	// did not run
}
