// Package kernel is the Jupyter server of the Go kernel: it speaks the messaging
// protocol 5.5 with any number of front ends and hands cells to an Evaluator. It
// knows neither magics nor RunPod, never runs user code, and survives whatever
// the evaluator or a client does.
//
//	evaluator.go   the contract with the evaluator, which runs cells
//	server.go      Serve: sockets, goroutines, start and stop
//	connection.go  the connection file
//	dispatch.go    from a message to its handler and back; recovers from panics
//	turn.go        the order of cells and of requests between them
//	execute.go     execute_request       abort.go   stop_on_error
//	output.go      the outputs of a cell    stream.go  batching of its text
//	publish.go     iopub messages, status, iopub_welcome
//	redact.go      removes secrets from everything published or stored
//	complete.go inspect.go iscomplete.go history.go info.go comm.go
//	control.go     interrupt, shutdown, signals
//	stdin.go       input_request
//	cursor.go      code points on the wire, bytes in Go
//
// Messages are in kernel/wire, ZeroMQ in kernel/zmtp, stored cells in
// kernel/history; kernel/kerneltest has an in-process client and a fake evaluator.
//
// Each kind of request has one goroutine: one for cells, one for requests about
// code, one for control. So completion answers while a cell runs, and interrupts
// never wait.
//
//	conn, err := kernel.ReadConnectionFile(path)
//	err = kernel.Serve(ctx, conn, evaluator, kernel.Options{Version: "1.0"})
package kernel
