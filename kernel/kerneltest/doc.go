// Package kerneltest runs a kernel inside a test and talks to it over its sockets
// as a front end does. It also has a Fake evaluator, for tests of the kernel
// itself.
//
//	client.go   Start, Client: requests, replies, outputs by cell
//	result.go   what one cell did
//	fake.go     an evaluator whose cells are Go functions
//
// A test of any evaluator:
//
//	c := kerneltest.Start(t, evaluator)
//	r := c.Execute(`fmt.Println("hi")`)
//	if r.Stdout() != "hi\n" { ... }
package kerneltest
