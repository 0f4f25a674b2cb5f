package train

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/worker"
)

// How long to wait for the weights of a training that ended too soon. Those of a training that
// nobody interrupted are worth a longer wait (collectTime), because the question may wait in
// the queue behind other jobs.
const (
	// collectFor is for an interrupted training whose wait nobody can stop. It is less than the
	// 8 s that a kernel waits for a magic to end.
	collectFor = 6 * time.Second
	// tellAfter is how long a wait that can be stopped takes before it is reported.
	tellAfter = time.Second
)

// collect asks the endpoint for what its workers kept of a run. If the training was
// interrupted and its worker is busy with a batch, it waits until Options.GiveUp is closed. It
// returns nil if they kept nothing, if it takes too long, and after Options.GiveUp. Without a
// network volume, the worker that gets the question may be another one than the run's, which
// has kept nothing.
func (p *Plan) collect(ctx context.Context, e *runpod.Endpoint, busy bool) *worker.TrainResult {
	select {
	case <-p.options.GiveUp:
		return nil
	default:
	}
	limit, interrupted := collectTime, ctx.Err() != nil
	if interrupted {
		ctx, limit = context.WithoutCancel(ctx), collectFor
	}
	if busy && interrupted && p.options.GiveUp != nil {
		limit = runpod.MaxTimeout
		if p.options.Hold != nil {
			p.options.Hold()
		}
		defer time.AfterFunc(tellAfter, func() {
			p.observers.notice("the worker finishes the batch, and then the weights come; interrupt again to stop now")
		}).Stop()
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	go func() {
		select {
		case <-p.options.GiveUp:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		asked := time.Now()
		r, err := Collect(ctx, e, p.RunID, nil)
		switch {
		case err == nil:
			return r
		case ctx.Err() == nil && time.Since(asked) >= collectTime && (errors.Is(err, runpod.ErrJobTimedOut) || errors.Is(err, runpod.ErrNotFound)):
			continue // the batch takes longer than the question may
		}
		return nil
	}
}

// collectTime is the timeout of a job that computes nothing.
const collectTime = time.Minute

// keptAnswer collects the answer of a request that does not train and whose job completed
// without output; lost is the error of that. If the worker has not kept the answer either,
// the error says so: computing it again would be billed again, which the caller decides.
func keptAnswer(ctx context.Context, e *runpod.Endpoint, r *worker.Request, lost error) (json.RawMessage, error) {
	result, err := Collect(ctx, e, r.RunID, nil)
	if ctx.Err() != nil {
		return nil, err
	}
	if err == nil && result.Answer != "" {
		var answer []byte
		if answer, err = base64.StdEncoding.DecodeString(result.Answer); err == nil {
			transfer.Log(ctx, lostAnswer)
			return answer, nil
		}
	}
	return nil, fmt.Errorf("%w; the worker has not kept the result; repeating the %s computes it again, which is billed again", lost, r.Operation)
}

const lostAnswer = "RunPod has lost the result of the job, whose work is done; the worker had kept it, so nothing is computed or billed twice"

// Collect returns what an endpoint's workers kept of a run: its result or, if the run was
// cancelled, its epochs and the weights after the last batch. They keep it in the network
// volume for seven days; without a volume, a worker keeps it until the worker stops. If
// nothing was kept, the error is a *worker.Error of kind ErrMissing. onEvent may be nil.
//
// Collect runs a job of about a second. When ctx is done the job is cancelled.
func Collect(ctx context.Context, e *runpod.Endpoint, runID string, onEvent func(Event)) (*worker.TrainResult, error) {
	r := &worker.Request{Operation: worker.OpCollect, Protocol: worker.Protocol, RunID: runID}
	ctx, charge, err := budget.Begin(ctx, e, budget.Job{Kind: string(r.Operation), Limit: collectTime})
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer charge.End(ctx)
	submitted := time.Now()
	job, err := submit(ctx, e, r, runpod.Policy{ExecutionTimeout: collectTime, TTL: 10 * collectTime})
	if err != nil {
		return nil, err
	}
	f := &follower{onEvent: onEvent}
	f.collector.RunID = runID
	err = f.follow(ctx, e, job)
	f.count(ctx, e, submitted)
	if err != nil {
		return nil, err
	}
	return f.collector.Result()
}
