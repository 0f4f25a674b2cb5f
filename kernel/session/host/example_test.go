package host_test

import (
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/session/host"
)

// A session program with magics of one's own is a main function of one line. (Not run:
// the kernel starts it, with pipes.)
func ExampleMain() {
	var mine []magic.Magic
	host.Main(host.Options{Magics: mine})
}
