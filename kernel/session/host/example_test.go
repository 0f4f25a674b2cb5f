package host_test

import (
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/session/host"
)

// The main function of a session program with custom magics is one line. (Not run,
// because the kernel starts it, with pipes.)
func ExampleMain() {
	var mine []magic.Magic
	host.Main(host.Options{Magics: mine})
}
