// Command plain is a session program without RunPod's magics. The tests of package
// session run it; it is what remains of the kernel without those magics.
package main

import "github.com/gopherpod/gopherpod/kernel/session/host"

func main() { host.Main(host.Options{}) }
