package budget

import (
	"context"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
)

// A Bill is what jobs cost, as RunPod counts it: a worker is billed from its start until it
// stops, which is some time after its last job.
type Bill struct {
	Waited    time.Duration // in the queue, with the worker's start
	Start     time.Duration // of workers that were started for the jobs
	Execution time.Duration
	// Idle is how long the worker stays up after the jobs. It is shorter if another job comes.
	Idle    time.Duration
	Dollars float64 // 0: the price is not known
	// Estimated reports whether a time was measured here, because the service did not report it.
	Estimated bool
}

// Seconds returns the seconds that are billed.
func (b Bill) Seconds() float64 { return (b.Start + b.Execution + b.Idle).Seconds() }

// A ran is a job that a worker has had.
type ran struct {
	worker           runpod.WorkerID
	submitted        time.Time
	delay, execution time.Duration
}

// warm is the longest time after which a worker that is up takes a job: RunPod's own figures
// are 20 to 150 ms. A job that waited longer may have waited for the start of a worker.
const warm = time.Second

// bill adds up the jobs. It asks the management API when the workers were started, if a job may
// have waited for that.
func bill(ctx context.Context, e *runpod.Endpoint, r place.Rate, jobs []ran) Bill {
	b := Bill{Idle: r.Idle}
	waited := false
	for _, j := range jobs {
		b.Waited += j.delay
		b.Execution += j.execution
		waited = waited || j.delay > warm
	}
	if waited && r.Start > 0 {
		b.Start, b.Estimated = starts(ctx, e, r, jobs)
	}
	if len(jobs) == 0 {
		b.Idle = 0
	}
	if r.Known() {
		b.Dollars = r.Cost(b.Start + b.Execution + b.Idle)
	}
	return b
}

// starts returns how long the workers of the jobs took to start, each counted once. A worker
// that was up before its job was submitted was not started for it. For a worker that is gone,
// the time that the job waited is taken, up to what a start may take.
func starts(ctx context.Context, e *runpod.Endpoint, r place.Rate, jobs []ran) (all time.Duration, estimated bool) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	began := map[runpod.WorkerID]time.Time{}
	if list, err := e.Client().Management().Workers(ctx, e.ID); err == nil {
		for _, w := range list.Workers {
			began[w.ID] = w.StartedAt
		}
	}
	counted := map[runpod.WorkerID]bool{}
	for _, j := range jobs {
		if j.delay <= warm || counted[j.worker] {
			continue
		}
		counted[j.worker] = j.worker != ""
		at, known := began[j.worker]
		if !known || at.IsZero() {
			all, estimated = all+min(j.delay, r.Start), true
			continue
		}
		all += min(max(j.submitted.Add(j.delay).Sub(at), 0), j.delay)
	}
	return all, estimated
}

// askTime is the timeout of a question about a bill. It is short, because the run is over and
// someone waits for its result.
const askTime = 2 * time.Second
