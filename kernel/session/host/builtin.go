package host

import "github.com/gopherpod/gopherpod/kernel/magic"

// builtin are the magics that every session has.
func builtin() []magic.Magic { return nil }
