// Package local is a RunPod Serverless endpoint on this machine: the same job
// API for clients, the same worker plane for workers, the same statuses, limits
// and authorisation, with a Go handler or attached workers behind it.
//
//	s, err := local.Start(ctx, local.Options{Handler: handler})
//	defer s.Close()
//	// POST s.BaseURL() + "/local/run" with "Authorization: Bearer " + s.Key()
//
// It is neither a training engine (worker/engine is one) nor a sandbox: a
// handler runs in this process.
//
//	options.go      Options, their defaults, and answers for what the service does not document
//	server.go       Start, New, Close: listener, routes, addresses
//	guard.go        key, browsers, hosts
//	body.go         reading a request's body, once and with a limit
//	scan.go         JSON without building values: split an object, check a value
//	clock.go        the time, which tests can move
//	job.go          a job, its statuses, its JSON
//	memory.go       what jobs hold, and what is forgotten early
//	queue.go        the state machine: submit; queue_take.go, queue_report.go,
//	                queue_control.go, queue_expire.go: its other transitions
//	queue_workers.go  the workers that the queue knows
//	route.go        the operations of the job API and who may call them
//	client_run.go client_status.go client_stream.go client_control.go
//	                the client plane, one file per family of operations
//	worker_take.go worker_report.go worker_ping.go
//	                the worker plane, as RunPod's SDK calls it
//	journal.go      the jobs on disk; journal_write.go: what is written when
//	faults.go       things that go wrong on demand
//	twin.go         the controls for tests: faults, clock, capacity
//	limits.go       rate limits
//	webhook.go      what webhooks receive
//	scale.go        how many workers the jobs need
//	pool.go         starting and stopping them
//	runner.go       workers that are programs; runner_unix.go and runner_other.go stop them
//	manage.go       the management API: routes and errors
//	manage_endpoint.go manage_spec.go manage_release.go manage_store.go
//	manage_registry.go manage_workers.go manage_catalog.go manage_catalog_cpu.go
//	manage_billing.go manage_logs.go
//	                its resources
//	folder.go       a folder of arrays for the Go engine; folder_temporary.go: one that
//	                is removed with its process
//	inprocess.go    workers that are a worker.Handler in this process
package local
