package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/tensors/pause"
)

const (
	// settle is how long to wait until the job API knows a new endpoint.
	settle = time.Minute
	// look is the time between two questions why the check job waits.
	look = 5 * time.Second
	// checkTime is the execution timeout of the check job.
	checkTime = 5 * time.Minute
)

// errWaited is the cause if the wait for the check job takes too long.
var errWaited = errors.New("the check job has waited too long")

// answers waits until the job API knows the endpoint, because it may not know a new one for
// a while.
func answers(ctx context.Context, e *runpod.Endpoint, out io.Writer) error {
	start := time.Now()
	for {
		_, err := e.Health(ctx)
		if !errors.Is(err, runpod.ErrNotFound) || time.Since(start) > settle {
			return err
		}
		fmt.Fprintf(out, "waiting for the job API to know the endpoint (%d s so far)\n", int(time.Since(start).Seconds()))
		if err := pause.For(ctx, look); err != nil {
			return err
		}
	}
}

// check runs a job and waits for its end, at most for wait. Meanwhile it reports why the job
// waits. If it gives up, it cancels the job.
func check(ctx context.Context, e *runpod.Endpoint, wait time.Duration, out io.Writer) error {
	wait = cmp.Or(wait, defaultWait)
	ctx, stop := context.WithTimeoutCause(ctx, wait, errWaited)
	defer stop()
	input := map[string]any{"operation": "gpu_info", "protocol": 1}
	job, err := e.Run(ctx, runpod.Request{Input: input, Policy: runpod.Policy{ExecutionTimeout: checkTime, TTL: wait + checkTime}})
	if errors.Is(err, runpod.ErrUnknownOutcome) {
		return &Problem{text: oneLine(trimmed(err)) + "; gopherpod endpoint show tells you if the check job runs", err: err}
	}
	if err != nil {
		return err
	}
	why := ""
	told := make(chan struct{})
	quiet, hush := context.WithCancel(ctx)
	go func() {
		defer close(told)
		why = explainWaiting(quiet, e, out)
	}()
	done, err := e.Wait(ctx, job.ID)
	hush()
	<-told
	if ctx.Err() != nil && err != nil {
		if abandon := e.Abandon(ctx, job.ID); abandon != nil {
			fmt.Fprintf(out, "the check job %s could not be cancelled: %s\n", job.ID, oneLine(trimmed(abandon)))
		}
		if errors.Is(context.Cause(ctx), errWaited) {
			return wrong("the check job did not end within %v (%s) and was cancelled; the endpoint stays: look at gopherpod endpoint show, or deploy with other pools (--gpu)",
				wait, cmp.Or(why, "it ran"))
		}
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	return report(done, out)
}

// explainWaiting reports why the job waits whenever the reason changes, until ctx is done. It
// returns the last reason.
func explainWaiting(ctx context.Context, e *runpod.Endpoint, out io.Writer) (last string) {
	start := time.Now()
	for pause.For(ctx, look) == nil {
		h, err := e.Health(ctx)
		if err != nil {
			continue
		}
		why := "the check job runs"
		if h.Jobs.InQueue > 0 {
			if why, err = e.Waiting(ctx, time.Since(start)); err != nil {
				continue
			}
		}
		reason, _, _ := strings.Cut(why, " (")
		if reason != last {
			fmt.Fprintln(out, oneLine(why))
			last = reason
		}
	}
	return last
}

// report prints what the check job found.
func report(job *runpod.Job, out io.Writer) error {
	var answer struct {
		Status string `json:"status"`
		Info   struct {
			CUDA  bool   `json:"cuda_available"`
			Count int    `json:"device_count"`
			Name  string `json:"device_name"`
			Torch string `json:"torch_version"`
		} `json:"gpu_info"`
	}
	body := job.Output
	var list []json.RawMessage // a streaming handler returns a list
	if json.Unmarshal(body, &list) == nil && len(list) == 1 {
		body = list[0]
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Info.Name == "" {
		return wrong("the check job's answer is not that of a Gopherpod worker: %.200s; check --image", oneLine(string(body)))
	}
	device := answer.Info.Name
	if answer.Info.Count > 1 {
		device = fmt.Sprintf("%d x %s", answer.Info.Count, device)
	}
	if answer.Info.Torch != "" {
		device += ", PyTorch " + answer.Info.Torch
	}
	fmt.Fprintf(out, "check job: done on %s, waited %.1f s, ran %.1f s\n", oneLine(device), job.Delay.Seconds(), job.Execution.Seconds())
	if !answer.Info.CUDA {
		fmt.Fprintln(out, "the worker has no GPU: it computes on its CPU")
	}
	return nil
}
