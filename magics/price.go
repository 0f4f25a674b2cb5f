package magics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/sweep"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/wording"
)

// capCost turns --max-cost into the time after which the server ends the job, so
// the cap holds even if this machine crashes. It returns the shorter of the two
// limits.
func capCost(rate train.Rate, place train.Place, dollars float64, timeout time.Duration) (time.Duration, error) {
	switch {
	case dollars == 0 || place.Embedded && !rate.Known():
		return timeout, nil
	case dollars < 0:
		return 0, usage("--max-cost: want a sum of dollars above 0, got %v", dollars)
	case !rate.Known():
		return 0, usage("--max-cost: cannot find the price of a second; name the GPU, as in --gpu ADA_24")
	}
	d := rate.Affords(dollars)
	if d < runpod.MinTimeout {
		return 0, usage("--max-cost %v is less than the shortest job costs: 5 s on %s are %s", dollars, rate.Pool, money(rate.Cost(runpod.MinTimeout)))
	}
	d = min(d, runpod.MaxTimeout)
	if timeout > 0 {
		d = min(d, timeout)
	}
	return d, nil
}

// ErrOvertime means that the server stopped a job that had used up its time.
var ErrOvertime = errors.New("out of time")

// overtime names the option that limited a job's time, if the job used all of it;
// any other error stays as it is. RunPod calls such a job FAILED or TIMED_OUT.
//
// Source: docs.runpod.io, Serverless, "Job states and metrics" and "Send API requests".
func overtime(err error, o *trainOptions, limit time.Duration, m *train.Model) error {
	var job *runpod.JobError
	if !errors.As(err, &job) || job.Status == runpod.StatusCancelled {
		return err
	}
	given := cmp.Or(limit, runpod.DefaultTimeout)
	if job.Execution > 0 && job.Execution < given || job.Status != runpod.StatusTimedOut && job.Execution == 0 {
		return err // lost, or it waited too long
	}
	text := fmt.Sprintf("the job was ended after %s: ", render.Duration(given))
	switch {
	case limit == 0:
		text += "the time that a job has by default; --timeout gives it more, as in --timeout 2h"
	case o.maxCost > 0 && limit != o.timeout:
		text += fmt.Sprintf("that is what --max-cost %v affords; give it more, or less to do", o.maxCost)
	default:
		text += fmt.Sprintf("that is its --timeout %v; give it more, or less to do", o.timeout)
	}
	text += " (job " + string(job.JobID) + "); "
	if m != nil && m.HasWeights() {
		text += holdsInWords(m, o.out)
	} else {
		text += "the variable holds the epochs so far, without weights"
	}
	return &hint{errors.Join(err, ErrOvertime), text}
}

// limitInWords says which option limits the job's time.
func (o *trainOptions) limitInWords(limit time.Duration) string {
	switch {
	case limit == 0:
		return "10m by default; --timeout gives it more"
	case o.maxCost > 0 && limit != o.timeout:
		return fmt.Sprintf("--max-cost %v", o.maxCost)
	}
	return fmt.Sprintf("--timeout %v", o.timeout)
}

// money writes dollars with at least two significant digits.
func money(x float64) string {
	digits := 2
	if x != 0 && x < 0.1 {
		digits = 4
	}
	return "$" + strconv.FormatFloat(x, 'f', digits, 64)
}

// rateInWords is "$0.00031 a second on ADA_24 (catalogue)".
func rateInWords(r train.Rate) string {
	gpus := ""
	if r.GPUs > 1 {
		gpus = fmt.Sprintf(" x %d", r.GPUs)
	}
	return fmt.Sprintf("$%s a second on %s%s (%s)", strconv.FormatFloat(r.PerSecond(), 'g', 3, 64), r.Pool, gpus, r.Source)
}

// costInWords returns the line after a run on RunPod, also an interrupted one: how long
// the job waited and ran, as RunPod counts it, and what that cost. It is empty if RunPod
// does not say.
func costInWords(ctx context.Context, place train.Place, id runpod.JobID, r train.Rate) string {
	if place.Embedded || id == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	job, err := place.Status(ctx, id)
	if err != nil || job.Execution == 0 {
		return ""
	}
	s := fmt.Sprintf("job %s: waited %s, ran %s", id, render.Duration(job.Delay), render.Duration(job.Execution))
	if !r.Known() {
		return s + "; --gpu NAME would show the cost"
	}
	return s + fmt.Sprintf("; %s at %s, without the worker's start and idle time", money(r.Cost(job.Execution)), rateInWords(r))
}

// showDryRun shows what the plan would need and cost.
func showDryRun(c *magic.Call, plan *train.Plan, where string, r train.Rate, timeout time.Duration) error {
	e, err := plan.Estimate()
	if err != nil {
		return err
	}
	t := render.Table{
		Caption: fmt.Sprintf("%s, not sent: %s", where, title(plan.Model, plan.Parameters, plan.Hyperparameters)),
		Header:  []string{"", "estimate"}, Left: []string{""},
	}
	add := func(name, value string) { t.Rows = append(t.Rows, []string{name, value}) }
	add("parameters", render.Count(e.Parameters))
	add("samples", render.Count(plan.Samples))
	add("epochs", render.Count(plan.Hyperparameters.Epochs))
	add("operations in all", render.Operations(e.FLOPs))
	add("memory on the worker", wording.Bytes(e.Memory))
	add("bytes to send", wording.Bytes(int64(e.Bytes)))
	if r.Known() {
		add("price", rateInWords(r))
		add("a minute", money(r.Cost(time.Minute)))
		if timeout > 0 {
			add("most that the job can cost", money(r.Cost(timeout)))
		}
	}
	b := t.Bundle()
	c.Out.Display(b)
	return nil
}

// showDrySweep shows what a sweep would need and cost, estimated from the sizes of
// its first points.
func showDrySweep(c *magic.Call, p *sweep.Plan, what string, s sweep.Options) error {
	t := render.Table{Caption: what + ", not sent", Header: []string{"", "estimate"}, Left: []string{""}}
	add := func(name, value string) { t.Rows = append(t.Rows, []string{name, value}) }
	var least, most train.Estimate
	var all float64
	for i, plan := range p.Plans {
		e, err := plan.Estimate()
		if err != nil {
			return err
		}
		if i == 0 {
			least, most = e, e
		}
		least.Parameters, most.Parameters = min(least.Parameters, e.Parameters), max(most.Parameters, e.Parameters)
		most.Memory, most.Bytes = max(most.Memory, e.Memory), max(most.Bytes, e.Bytes)
		all += float64(e.FLOPs) / float64(len(p.Plans))
	}
	add("trials", fmt.Sprintf("%s, %d at once", render.Count(p.Trials), p.Workers))
	if least.Parameters == most.Parameters {
		add("parameters", render.Count(most.Parameters))
	} else {
		add("parameters", render.Count(least.Parameters)+" to "+render.Count(most.Parameters))
	}
	first := p.Plans[0]
	add("samples", render.Count(first.Samples))
	add("epochs of a trial", render.Count(first.Hyperparameters.Epochs))
	add("operations in all", "about "+render.Operations(all*float64(p.Trials)))
	add("memory on a worker", wording.Bytes(most.Memory))
	add("data", wording.Bytes(int64(most.Bytes)))
	if s.Rate.Known() {
		add("price", rateInWords(s.Rate))
		add("a minute of all workers", money(s.Rate.Cost(time.Minute*time.Duration(p.Workers))))
	}
	if s.MaxCost > 0 {
		add("most that all can cost", money(s.MaxCost))
	}
	b := t.Bundle()
	c.Out.Display(b)
	return nil
}
