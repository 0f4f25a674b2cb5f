package terminal_test

import (
	"context"
	"os"
	"strings"

	"github.com/gopherpod/gopherpod/magics/terminal"
)

// A program can contain the command line.
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
