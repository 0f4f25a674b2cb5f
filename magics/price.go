package magics

import (
	"context"
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
func showDryRun(c *magic.Call, plan *train.Plan, place train.Place, where string, r train.Rate, limit timeLimit) error {
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
	if !place.Embedded {
		add("time", limit.String())
	}
	if r.Known() {
		add("price", rateInWords(r))
		add("a minute", money(r.Cost(time.Minute)))
		add("most that the job can cost", money(r.Cost(limit.time)))
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
