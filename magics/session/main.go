// Command session is the process in which a notebook's cells and magics run. The
// notebook kernel starts it; see package kernel/session/host.
package main

import (
	"github.com/gopherpod/gopherpod/kernel/session/host"
	"github.com/gopherpod/gopherpod/magics"
	"github.com/gopherpod/gopherpod/magics/render"
)

func main() { host.Main(host.Options{Magics: magics.All(), Show: render.Value}) }
