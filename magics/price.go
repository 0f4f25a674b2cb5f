package magics

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/sweep"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/wording"
)

// money writes dollars with at least two significant digits.
func money(x float64) string { return budget.Money(x) }

// rateInWords is "$0.00031 a second on ADA_24 (catalogue)".
func rateInWords(r train.Rate) string {
	gpus := ""
	if r.GPUs > 1 {
		gpus = fmt.Sprintf(" x %d", r.GPUs)
	}
	return fmt.Sprintf("$%s a second on %s%s (%s)", strconv.FormatFloat(r.PerSecond(), 'g', 3, 64), r.Pool, gpus, r.Source)
}

// extras says which times are billed beside that of the job, at most.
func extras(r train.Rate) string {
	if r.Start+r.Idle == 0 {
		return ""
	}
	return fmt.Sprintf(", with %s for the worker's start and %s that it stays up", render.Duration(r.Start), render.Duration(r.Idle))
}

// billInWords returns the line after a run whose price is known.
func billInWords(m *train.Model, r train.Rate) string {
	b := m.Receipt.Bill
	seconds := func(s float64) string { return render.Duration(time.Duration(s * float64(time.Second))) }
	s := fmt.Sprintf("job %s: waited %s, ran %s; %s", m.JobID, seconds(b.Waited), seconds(b.Execution), money(b.Dollars))
	if b.Start+b.Idle > 0 {
		s += fmt.Sprintf(" for start %s, run %s, and up to %s that the worker stays up,", seconds(b.Start), seconds(b.Execution), seconds(b.Idle))
	}
	s += " at " + rateInWords(r)
	switch {
	case b.Estimated:
		s += "; estimated, because RunPod did not say how long each took"
	case r.Always > 0:
		s += fmt.Sprintf("; %s always on, for %s an hour, with or without jobs", plural(r.Always, "worker"), money(r.Hour()*float64(r.Always)))
	case r.Start+r.Idle == 0:
		s += ", without the worker's start and idle time"
	}
	return s
}

// costInWords returns the line after a run on RunPod, also an interrupted one: how long
// the job waited and ran, as RunPod counts it, and what that cost. It is empty if RunPod
// does not say.
func costInWords(ctx context.Context, place train.Place, m *train.Model, r train.Rate) string {
	id := m.JobID
	switch {
	case place.Embedded || id == "":
		return ""
	case m.Receipt.Bill != nil:
		return billInWords(m, r)
	case r.Known():
		return "" // the run goes on
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	job, err := place.Status(ctx, id)
	if err != nil || job.Execution == 0 {
		return ""
	}
	return fmt.Sprintf("job %s: waited %s, ran %s; --gpu NAME would show the cost", id, render.Duration(job.Delay), render.Duration(job.Execution))
}

// showDryRun shows what the plan would need and cost.
func showDryRun(ctx context.Context, c *magic.Call, plan *train.Plan, place train.Place, where string, r train.Rate, limit timeLimit) error {
	e, err := plan.Estimate()
	if err != nil {
		return err
	}
	t := render.Table{
		Caption: fmt.Sprintf("%s, not sent: %s", where, title(plan.Model, plan.Parameters, plan.Hyperparameters)),
		Header:  []string{"", "estimate"}, Left: []string{""},
	}
	add := func(name, value string) { t.Rows = append(t.Rows, []string{name, value}) }
	known := func(text string) string { return onceBuilt(plan, text) }
	add("parameters", known(render.Count(e.Parameters)))
	add("samples", render.Count(plan.Samples))
	add("epochs", render.Count(plan.Hyperparameters.Epochs))
	add("operations in all", known(render.Operations(e.FLOPs)))
	add("memory on the worker", known(wording.Bytes(e.Memory)))
	add("bytes to send", wording.Bytes(int64(e.Bytes)))
	if !place.Embedded {
		add("time", limit.String())
	}
	if r.Known() {
		add("price", rateInWords(r))
		add("a minute", money(r.Cost(time.Minute)))
		if r.Start+r.Idle > 0 {
			add("start and idle time of a worker", fmt.Sprintf("up to %s and %s, %s", render.Duration(r.Start), render.Duration(r.Idle), money(r.Most(0))))
		}
		add("most that the job can cost", money(r.Most(limit.time)))
		forecasts, err := plan.Forecast(ctx, train.Offers(ctx, place, r))
		if err != nil {
			return err
		}
		for _, row := range forecastRows(forecasts, r) {
			add(row[0], row[1])
		}
	}
	b := t.Bundle()
	c.Out.Display(b)
	return nil
}

// forecastRows says what a training would cost on its GPU, and on the one where it would cost
// least.
func forecastRows(list []train.Forecast, r train.Rate) (rows [][2]string) {
	words := func(f train.Forecast) string {
		s := fmt.Sprintf("about %s, %s to %s; %s to %s of work; %s", money(f.Dollars), money(f.Low), money(f.High), render.Duration(f.LowTime), render.Duration(f.HighTime), f.Basis())
		if !f.Fits {
			s += "; its memory may be too small"
		}
		return s
	}
	for _, f := range list {
		if f.Rate.Pool == r.Pool {
			rows = append(rows, [2]string{"forecast on " + r.Pool, words(f)})
		}
	}
	for _, f := range list {
		if !f.Fits {
			continue
		}
		if f.Rate.Pool == r.Pool {
			return append(rows, [2]string{"cheapest GPU", "this one"})
		}
		return append(rows, [2]string{"cheapest GPU", f.Rate.Pool + ": " + words(f)})
	}
	return rows
}

// sweepForecast says what all trials would cost, if the others take as long as the first ones and
// none is stopped early.
func sweepForecast(ctx context.Context, p *sweep.Plan, place train.Place, r train.Rate) (string, error) {
	var low, mid, high time.Duration
	basis := ""
	offers := train.Offers(ctx, place, r)
	for _, plan := range p.Plans {
		list, err := plan.Forecast(ctx, offers)
		if err != nil {
			return "", err
		}
		for _, f := range list {
			if f.Rate.Pool == r.Pool {
				low, mid, high, basis = low+f.LowTime, mid+f.Time, high+f.HighTime, f.Basis()
			}
		}
	}
	if basis == "" {
		return "", nil
	}
	all := func(d time.Duration) float64 {
		return r.Cost(d)*float64(p.Trials)/float64(len(p.Plans)) + r.Most(0)*float64(p.Workers)
	}
	return fmt.Sprintf("about %s, %s to %s; %s", money(all(mid)), money(all(low)), money(all(high)), basis), nil
}

// onceBuilt returns an estimate, or, for a model whose sizes only its worker knows, when they
// are known.
func onceBuilt(plan *train.Plan, estimate string) string {
	if plan.Model.Other != nil {
		return "known when the worker has built the model"
	}
	return estimate
}

// showDrySweep shows what a sweep would need and cost, estimated from the sizes of
// its first points.
func showDrySweep(ctx context.Context, c *magic.Call, p *sweep.Plan, place train.Place, what string, s sweep.Options) error {
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
		add("parameters", onceBuilt(p.Plans[0], render.Count(most.Parameters)))
	} else {
		add("parameters", render.Count(least.Parameters)+" to "+render.Count(most.Parameters))
	}
	first := p.Plans[0]
	add("samples", render.Count(first.Samples))
	add("epochs of a trial", render.Count(first.Hyperparameters.Epochs))
	add("operations in all", onceBuilt(first, "about "+render.Operations(all*float64(p.Trials))))
	add("memory on a worker", onceBuilt(first, wording.Bytes(most.Memory)))
	add("data", wording.Bytes(int64(most.Bytes)))
	if s.Rate.Known() {
		add("price", rateInWords(s.Rate))
		add("a minute of all workers", money(s.Rate.Cost(time.Minute*time.Duration(p.Workers))))
		text, err := sweepForecast(ctx, p, place, s.Rate)
		if err != nil {
			return err
		}
		if text != "" {
			add("forecast on "+s.Rate.Pool, text)
		}
	}
	if s.MaxCost > 0 {
		add("most that all can cost", money(s.MaxCost))
	}
	b := t.Bundle()
	c.Out.Display(b)
	return nil
}
