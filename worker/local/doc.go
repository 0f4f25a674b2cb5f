// Package local is a RunPod Serverless endpoint on this machine: the same job
// API for clients, the same worker plane for workers, the same statuses, limits
// and authorisation, with a Go handler or attached workers behind it.
//
//	s, err := local.Start(ctx, local.Options{Handler: handler})
//	defer s.Close()
//	// POST s.BaseURL() + "/local/run" with "Authorization: Bearer " + s.Key()
//
// It is not a training engine (worker/engine is one) and no sandbox: a handler
// runs in this process.
//
//	options.go      Options, their defaults, and what the service leaves unknown
//	server.go       Start, New, Close: listener, routes, addresses
//	guard.go        key, browsers, hosts
//	body.go         reading a request's body, once and bounded
//	scan.go         JSON without building values: split an object, check a value
//	clock.go        the time, which tests move
//	job.go          a job, its statuses, its JSON
//	memory.go       what jobs hold, and what is forgotten early
//	queue*.go       the state machine: submit, take, report, control, expire
//	client_*.go     the client plane, one family of operations a file
//	worker_*.go     the worker plane, as RunPod's SDK calls it
//	journal*.go     the jobs on disk
//	faults.go       things that go wrong on demand
//	twin.go         the handles of the test bench: faults, clock, capacity
//	limits.go       rate limits
//	webhook.go      what is told to webhooks
//	scale.go        how many workers the jobs ask for
//	pool.go         starting and ending them
//	runner*.go      workers that are programs
//	manage*.go      the management API: endpoints, templates, volumes, catalogue, bills, logs
//	folder.go       a folder of arrays for the Go engine
//	inprocess.go    workers that are a worker.Handler in this process
package local
