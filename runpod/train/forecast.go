package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
)

// A Forecast says how long a training would take on a kind of GPU and what it would cost, with
// the start of a worker and its idle time. The true value is expected between Low and High.
type Forecast struct {
	Rate                    Rate
	Time, LowTime, HighTime time.Duration // that the job is executed
	Dollars, Low, High      float64
	// Runs is how many runs on this kind of GPU it is measured from. 0: none, so it follows
	// from Measured, a kind of GPU that has some, or, if that is empty, from peak speeds alone.
	Runs     int
	Measured string
	Fits     bool // whether the GPU has enough memory
}

// Basis says what the forecast rests on.
func (f Forecast) Basis() string {
	switch {
	case f.Runs == 1:
		return "measured on 1 run on " + f.Rate.Pool
	case f.Runs > 0:
		return fmt.Sprintf("measured on %d runs on %s", f.Runs, f.Rate.Pool)
	case f.Measured != "":
		return "scaled from runs on " + f.Measured + " by the peak speeds of the GPUs"
	}
	return "computed from the operations and the peak speed of the GPU, because no run was measured"
}

// Forecast returns what the plan would take and cost for each offer, the cheapest first. It
// uses the speed of the runs in the run store that were like this one, as operations a second,
// and the peak speeds of GPUs if there are none. Offers without a known price or peak speed
// are left out.
func (p *Plan) Forecast(ctx context.Context, offers []place.Offer) ([]Forecast, error) {
	e, err := p.Estimate()
	if err != nil {
		return nil, err
	}
	job := work{flops: e.FLOPs, steps: p.steps()}
	var past map[string][]work
	if job.flops > 0 && job.steps > 0 { // otherwise no run is like it
		if past, err = p.past(ctx); err != nil {
			return nil, err
		}
	}
	var list []Forecast
	for _, o := range offers {
		peak := peaks[o.Pool] * 1e12
		if !o.Known() || peak == 0 {
			continue
		}
		f := Forecast{Rate: o.Rate, Fits: o.Memory == 0 || float64(e.Memory)+cudaMemory <= o.Memory*1e9}
		var t span
		if near := job.nearest(past[o.Pool]); len(near) > 0 {
			f.Runs, t = len(near), job.measured(near, 1)
		} else if pool, near := job.nearestPool(past); pool != "" {
			f.Measured, t = pool, job.measured(near, peak/(peaks[pool]*1e12)).widened(2)
		} else {
			t = job.computed(peak)
		}
		f.Time, f.LowTime, f.HighTime = t.mid, t.low, t.high
		cost := func(d time.Duration) float64 { return o.Cost(o.Start + d + o.Idle) }
		f.Dollars, f.Low, f.High = cost(t.mid), o.Cost(t.low+o.Idle), cost(t.high) // low: a worker is up
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b Forecast) int { return cmp.Compare(a.Dollars, b.Dollars) })
	return list, nil
}

// steps returns how many steps the optimizer makes in all epochs.
func (p *Plan) steps() float64 {
	h := p.Hyperparameters
	n, _, _ := h.Batches(p.Samples - h.Held(p.Samples))
	return float64(n) * float64(h.Epochs)
}

// done returns the operations and steps that a model's training took, which may have ended early.
func (p *Plan) done(m *Model) (flops, steps float64) {
	if p.attached != nil || p.Hyperparameters.Epochs == 0 {
		return 0, 0 // the sizes of the data are not known
	}
	e, err := p.Estimate()
	if err != nil {
		return 0, 0
	}
	share := float64(m.trained()-p.StartEpoch) / float64(p.Hyperparameters.Epochs)
	return e.FLOPs * share, p.steps() * share
}

// past returns the runs of the store that say how fast a GPU is, by its kind.
func (p *Plan) past(ctx context.Context) (map[string][]work, error) {
	store := p.options.Runs
	if store == nil {
		if store = runs.FromEnv(); store == nil {
			return nil, nil
		}
	}
	list, _, err := store.List(ctx, runs.Filter{State: runs.Completed, Limit: pastRuns})
	if err != nil {
		return nil, err
	}
	all := map[string][]work{}
	for _, r := range list {
		if r.GPU != "" && peaks[r.GPU] > 0 && r.Address == "" && r.Seconds > 0 && r.FLOPs > 0 && r.Steps > 0 {
			all[r.GPU] = append(all[r.GPU], work{r.FLOPs, r.Steps, r.Seconds, max(r.Billed-r.Seconds, 0)})
		}
	}
	return all, nil
}

const (
	pastRuns    = 200
	nearestRuns = 5
	cudaMemory  = 1e9 // bytes that CUDA itself takes, about
)

// A work is what a training computes, and for a past one how long it took.
type work struct {
	flops, steps     float64
	seconds, besides float64 // besides: starting Python's libraries, reading data
}

// distance says how different the steps of two trainings are in size, as a factor: small steps
// are mostly overhead, so they compute fewer operations a second.
func (w work) distance(v work) float64 {
	return math.Exp(math.Abs(math.Log((w.flops / w.steps) / (v.flops / v.steps))))
}

// nearest returns the runs that are most like w.
func (w work) nearest(list []work) []work {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b work) int { return cmp.Compare(w.distance(a), w.distance(b)) })
	return list[:min(len(list), nearestRuns)]
}

// nearestPool returns the kind of GPU with the run that is most like w, and its nearest runs.
func (w work) nearestPool(past map[string][]work) (pool string, near []work) {
	best := math.Inf(1)
	for name, list := range past {
		n := w.nearest(list)
		if d := w.distance(n[0]); d < best || d == best && name < pool {
			pool, near, best = name, n, d
		}
	}
	return pool, near
}

// A span is a time with its uncertainty.
type span struct{ low, mid, high time.Duration }

func spanOf(mid, factor, besides float64) span {
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return span{seconds(mid/factor + besides), seconds(mid + besides), seconds(mid*factor + besides)}
}

func (s span) widened(factor float64) span {
	return span{time.Duration(float64(s.low) / factor), s.mid, time.Duration(float64(s.high) * factor)}
}

// measured returns the time of w at the median speed of near on a GPU that is faster by a factor.
// The uncertainty is the largest of a quarter, the spread of the speeds, and how different the
// steps are.
func (w work) measured(near []work, faster float64) span {
	var speeds, besides []float64
	distance := 0.0
	for _, v := range near {
		speeds, besides = append(speeds, v.flops/v.seconds), append(besides, v.besides)
		distance += w.distance(v) / float64(len(near))
	}
	slices.Sort(speeds)
	slices.Sort(besides)
	speed := speeds[len(speeds)/2]
	spread := math.Sqrt(speeds[len(speeds)-1] / speeds[0])
	return spanOf(w.flops/(speed*faster), min(max(1.25, spread, distance), 20), besides[len(besides)/2])
}

// computed returns the time of w on a GPU with that many operations a second at its peak. A
// training reaches 2 to 50 % of that, and each step has an overhead of 0.1 to 2 ms.
func (w work) computed(peak float64) span {
	low, high := w.flops/(0.5*peak)+w.steps*0.1e-3, w.flops/(0.02*peak)+w.steps*2e-3
	return spanOf(math.Sqrt(low*high), math.Sqrt(high/low), libraries)
}

// libraries is how many seconds a worker needs besides the training, if no run tells.
const libraries = 3

// peaks are the operations in float32 per second of the slowest GPU of a pool, in 10^12, without
// tensor cores.
//
// Source: NVIDIA's data sheets of the RTX 2000 Ada, A5000, RTX 4090, RTX 5090, A40, L40, A100,
// H100 PCIe, RTX PRO 6000 Blackwell, H200, B200.
var peaks = map[string]float64{
	"AMPERE_16": 12, "AMPERE_24": 27.8, "ADA_24": 82.6, "ADA_32_PRO": 104.8, "AMPERE_48": 37.4, "ADA_48_PRO": 90.5, "AMPERE_80": 19.5,
	"ADA_80_PRO": 51, "BLACKWELL_96": 125, "HOPPER_141": 67, "BLACKWELL_180": 75,
}
