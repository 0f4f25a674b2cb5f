// Package runpod is a client of RunPod Serverless: the job API of an endpoint and
// the management API of an account.
//
//	config, err := runpod.FromEnv() // RUNPOD_API_KEY, RUNPOD_ENDPOINT_ID, .env
//	client, err := runpod.New(config)
//	endpoint := client.Endpoint(config.EndpointID)
//	job, err := endpoint.Call(ctx, runpod.Request{Input: map[string]any{"prompt": "hi"}})
//	fmt.Println(string(job.Output))
//
// The package knows nothing of training or of notebooks. It keeps three promises:
//
//   - A POST that may have been accepted is never resent automatically, because
//     it may run and cost a second time; the error is ErrUnknownOutcome.
//   - The API key goes to the hosts of the Config and nowhere else, never across a
//     redirect, and never into an error, a log or a dump.
//   - Input from the network is bounded and passed on unchanged: a job's output
//     is the JSON that the worker sent, every digit of it.
//
// A request passes through a chain of small handlers, one per file:
//
//	client.go     Config, New; the chain
//	env.go        FromEnv
//	secret.go     Secret, which does not print
//	op.go         the operations, their paths and documented limits
//	errors.go     Error and the sentinels, one for each decision
//	visible.go    jobs that the service does not know yet are asked for again
//	retry.go      what is resent, and when
//	limit.go      rate limits, shared by all users of the client
//	auth.go       the key, and where it may go
//	send.go       HTTP: bounded answers, what a failure leaves behind
//
// and the job API is made of:
//
//	endpoint.go   Endpoint; Status, Cancel, Retry, PurgeQueue, Health
//	submit.go     Request, Policy; Run, RunSync
//	time_limit.go TimeLimit, Info: how long the endpoint lets a job run
//	job.go        Job, Status, JobError
//	watch.go      Watch, Wait and Call
//	stream.go     Stream
//	waiting.go    why a job waits, in words
//	queue.go      Queue: limits and reports how long jobs wait
//
// The management API is Client.Management:
//
//	manage.go           one request
//	manage_endpoint.go  endpoints, their workers and releases; EnsureEndpoint
//	manage_template.go  templates
//	manage_volume.go    network volumes
//	manage_catalog.go   GPUs, pools, prices, stock; estimates
//	manage_billing.go   the bill
//	manage_logs.go      workers' logs, which sse.go reads
//
// Sources named in comments are pages of docs.runpod.io and RunPod's own SDKs.
package runpod
