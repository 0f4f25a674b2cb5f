package train

import (
	"context"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
)

// collectFor bounds the wait for the weights of an interrupted training: a kernel
// waits 8 s for a magic to end.
const collectFor = 6 * time.Second

// collect asks the endpoint for what its workers kept of a cancelled run. It is nil
// if they kept nothing, as on an endpoint without a network volume whose job went
// to another worker, if it takes too long, and after Options.GiveUp.
func (p *Plan) collect(ctx context.Context, e *runpod.Endpoint) *worker.TrainResult {
	select {
	case <-p.options.GiveUp:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), collectFor)
	defer cancel()
	go func() {
		select {
		case <-p.options.GiveUp:
			cancel()
		case <-ctx.Done():
		}
	}()
	r, err := Collect(ctx, e, p.RunID, nil)
	if err != nil {
		return nil
	}
	return r
}

// collectTime is what a job may take that computes nothing.
const collectTime = time.Minute

// Collect returns what an endpoint's workers keep of a run: its result, or, of a run
// that was cancelled, its epochs and the weights after the last batch. They keep it in
// the network volume for seven days, without one in the worker while that lives. The
// error is a *worker.Error of kind ErrMissing if nothing is kept. onEvent may be nil.
//
// It is a job of its own, of a second or so; when ctx ends it is cancelled.
func Collect(ctx context.Context, e *runpod.Endpoint, runID string, onEvent func(Event)) (*worker.TrainResult, error) {
	r := &worker.Request{Operation: worker.OpCollect, Protocol: worker.Protocol, RunID: runID}
	job, err := submit(ctx, e, r, runpod.Policy{ExecutionTimeout: collectTime, TTL: 10 * collectTime})
	if err != nil {
		return nil, err
	}
	f := &follower{onEvent: onEvent}
	f.collector.RunID = runID
	if err := f.follow(ctx, e, job); err != nil {
		return nil, err
	}
	return f.collector.Result()
}
