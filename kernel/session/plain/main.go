// Command plain is a session program without magics of RunPod: what the tests
// of package session run, and what remains of the kernel without them.
package main

import "github.com/gopherpod/gopherpod/kernel/session/host"

func main() { host.Main(host.Options{}) }
