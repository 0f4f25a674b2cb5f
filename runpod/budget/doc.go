// Package budget keeps what jobs cost within what the user allows. A job, or several that
// belong together, begin with a charge:
//
//	ctx, charge, err := budget.Begin(ctx, endpoint, budget.Job{Kind: "evaluate"})
//	if err != nil {
//		return err // a *Refused: nothing was sent
//	}
//	defer charge.End(ctx)
//	job, err := endpoint.Call(ctx, request)
//	budget.Ran(ctx, job, submitted)
//
// Begin reserves the most that the job may cost in the run store, and End replaces that by the
// bill: a worker's start, the execution and the idle time after it, as RunPod bills them. A
// process that dies leaves its reservation, which counts in full until the run is followed to
// its end. If there is no run store, jobs run unrecorded, and none runs under a budget.
//
//	limits.go   what the user allows
//	charge.go   reserves and settles
//	bill.go     what a job cost
//	meter.go    what a worker costs that is kept up
package budget
