package engine

import (
	"math"

	"github.com/gopherpod/gopherpod/worker"
)

// A schedule computes the learning rate of each batch.
type schedule struct {
	base    float64
	s       *worker.Scheduler // nil: constant
	batches int               // in an epoch
	total   int               // batches at the end of this job, counted from the first job's first batch
	// State of plateau.
	rate, best float64
	bad        int // epochs without improvement
}

// newSchedule fills in the defaults. end is the last epoch, counted from 1.
func newSchedule(h *worker.Hyperparameters, end, batches int) *schedule {
	c := &schedule{base: h.LearningRate, batches: batches, total: end * batches, rate: h.LearningRate, best: math.Inf(1)}
	if h.Scheduler == nil {
		return c
	}
	s := *h.WithDefaults(worker.OpTrain).Scheduler
	if !s.Has("t_max") {
		s.TMax = end
	}
	if !s.Has("max_lr") {
		s.MaxLR = 10 * h.LearningRate
	}
	c.s = &s
	return c
}

// at returns the learning rate in epoch and step (batches done), counted from 0 over
// all continuations.
func (c *schedule) at(epoch, step int) float64 {
	if c.s == nil {
		return c.base
	}
	switch c.s.Type {
	case "step":
		return c.base * math.Pow(c.s.Gamma, float64(epoch/c.s.StepSize))
	case "cosine":
		return c.s.EtaMin + (c.base-c.s.EtaMin)*(1+math.Cos(math.Pi*float64(epoch)/float64(c.s.TMax)))/2
	case "warmup":
		return c.base * math.Min(1, float64(step+1)/float64(c.s.Steps))
	case "plateau":
		return c.rate
	}
	return c.oneCycle(float64(step))
}

// oneCycle computes OneCycleLR with PyTorch's defaults: from max/25 up to max
// over 30 % of the steps, then down to max/25/10,000, both along a cosine.
func (c *schedule) oneCycle(step float64) float64 {
	high := c.s.MaxLR
	low := high / 25
	up, end := 0.3*float64(c.total)-1, float64(c.total-1)
	from, to, share := low, high, 1.0
	switch {
	case step > up:
		from, to = high, low/1e4
		if end > up {
			share = math.Min(1, (step-up)/(end-up))
		}
	case up > 0:
		share = step / up
	}
	return to + (from-to)/2*(math.Cos(math.Pi*share)+1)
}

// epochDone passes the monitored value to the plateau scheduler.
func (c *schedule) epochDone(value float64) {
	if c.s == nil || c.s.Type != "plateau" {
		return
	}
	if value < c.best*(1-1e-4) {
		c.best, c.bad = value, 0
	} else {
		c.bad++
	}
	if c.bad > c.s.Patience {
		next := c.rate * c.s.Factor
		if c.rate-next > 1e-8 { // ReduceLROnPlateau's eps
			c.rate = next
		}
		c.bad = 0
	}
}
