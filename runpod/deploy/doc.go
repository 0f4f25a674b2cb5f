// Package deploy brings an account to have one endpoint that runs the worker, and
// looks after the account's endpoints: the commands "gopherpod deploy" and
// "gopherpod endpoint". It makes and pushes no image (worker/pytorch/deploy.sh
// does), and knows nothing of training.
//
//	plan, err := deploy.NewPlan(ctx, client.Management(), deploy.Options{Image: "docker.io/you/worker:1"})
//	fmt.Print(plan) // what would be made or changed, and what it costs
//	id, err := plan.Apply(ctx, client, os.Stdout)
//
// Everything is found again by its name, so that to deploy twice is to deploy
// once, also where the service failed after it had done what was asked.
//
//	options.go    Options, their defaults and flags
//	image.go      the image that was pushed last
//	gpu.go        which GPUs, by memory, price and stock
//	plan.go       NewPlan: compares what exists with what should exist
//	text.go       a plan in words and in dollars
//	apply.go      Apply: volume, template, endpoint
//	check.go      a job that shows that the endpoint works
//	command.go    Run, the command deploy
//	endpoint.go   RunEndpoint, the command endpoint; list, show, scale, delete
//	logs.go       its logs
//	store.go      RunStore, the command store
//	errors.go     Explain: an error and the next step, in one line
package deploy
