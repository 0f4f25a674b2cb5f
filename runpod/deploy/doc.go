// Package deploy makes sure that an account has one endpoint that runs the worker, and
// manages the account's endpoints: the commands "gopherpod deploy" and "gopherpod
// endpoint". It does not build or push images (worker/pytorch/deploy.sh does), and it knows
// nothing about training.
//
//	plan, err := deploy.NewPlan(ctx, client.Management(), deploy.Options{Image: "docker.io/you/worker:1"})
//	fmt.Print(plan) // what would be made or changed, and what it costs
//	id, err := plan.Apply(ctx, client, os.Stdout)
//
// Everything is found again by its name, so deploying twice has the same effect as deploying
// once, even if the service reported a failure after it had done what was asked.
//
//	options.go    Options, their defaults and flags
//	image.go      the names of images, and the image that was pushed last
//	gpu.go        chooses GPUs by memory, price and stock
//	plan.go       NewPlan: compares what exists with what should exist
//	text.go       a plan in words and in dollars
//	apply.go      Apply: volume, template, endpoint
//	check.go      a job that shows that the endpoint works
//	command.go    Run, the command deploy
//	endpoint.go   RunEndpoint, the command endpoint: list, show, scale, delete
//	logs.go       the logs of the workers
//	store.go      RunStore, the command store
//	errors.go     Explain: an error and the next step, in one line
package deploy
