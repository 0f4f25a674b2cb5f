package sweep

import (
	"cmp"
	"errors"
	"math"

	"github.com/gopherpod/gopherpod/worker"
)

// Halving stops trials early, as ASHA does (Li et al.: A System for Massively Parallel
// Hyperparameter Tuning, MLSys 2020): after MinEpochs epochs, and after each Factor
// times as many, a trial continues only if it is among the best 1/Factor of the trials
// that came as far. Otherwise its job is cancelled, and only what it ran is billed. A
// trial is compared only with trials of lower numbers that do not run at the same
// time, so that the workers' speed does not decide which trials are stopped. If one of
// those is late, the decision is late too, and the trial runs a little longer.
type Halving struct {
	Factor    int // 3; 2 or more
	MinEpochs int // 1
}

var errHalved = errors.New("sweep: other trials were better after as many epochs")

// halving keeps the values of the trials of a sweep at each rung. Callers must hold
// the sweep's lock. A nil halving stops nothing.
type halving struct {
	rule   Halving
	beside int // number of trials that run at the same time as one, which it is not compared with
	trials map[int]*rungs
}

// rungs are those of one trial.
type rungs struct {
	epochs  int       // total number of the trial's epochs
	values  []float64 // at each rung so far
	passed  int       // rungs after which it may continue
	stopped bool      // at rung number passed
	ended   bool
	cancel  func(error)
}

func newHalving(rule *Halving, workers int) (*halving, error) {
	if rule == nil {
		return nil, nil
	}
	r := Halving{Factor: cmp.Or(rule.Factor, 3), MinEpochs: cmp.Or(rule.MinEpochs, 1)}
	if r.Factor < 2 || r.MinEpochs < 1 {
		return nil, worker.Invalid("halving", "wants a factor of 2 or more, and 1 epoch or more")
	}
	return &halving{rule: r, beside: workers - 1, trials: map[int]*rungs{}}, nil
}

// rung returns the number of epochs at rung k.
func (h *halving) rung(k int) int {
	return int(float64(h.rule.MinEpochs) * math.Pow(float64(h.rule.Factor), float64(k)))
}

// begin records a trial that may run for that many epochs; cancel stops it.
func (h *halving) begin(n, epochs int, cancel func(error)) {
	if h == nil {
		return
	}
	h.trials[n] = &rungs{epochs: epochs, cancel: cancel}
}

// report records the value of trial n after that many epochs.
func (h *halving) report(n, epochs int, value float64) {
	if h == nil {
		return
	}
	r := h.trials[n]
	if k := len(r.values); h.rung(k) == epochs && epochs < r.epochs {
		r.values = append(r.values, value)
		h.decide()
	}
}

// end records that the trial's job is over.
func (h *halving) end(n int) {
	if h == nil {
		return
	}
	h.trials[n].ended = true
	h.decide()
}

// decide makes every decision that does not have to wait for another trial.
func (h *halving) decide() {
	for changed := true; changed; {
		changed = false
		for n, r := range h.trials {
			for !r.stopped && r.passed < len(r.values) {
				keep, known := h.keeps(n, r.passed)
				if !known {
					break
				}
				changed = true
				if keep {
					r.passed++
				} else {
					r.stopped = true
					r.cancel(errHalved)
				}
			}
		}
	}
}

// keeps reports whether trial n continues after rung k; known is false if a trial to
// compare it with has not come as far yet.
func (h *halving) keeps(n, k int) (keep, known bool) {
	mine := h.trials[n].values[k]
	better, all := 0, 1
	for m := range n - h.beside {
		r := h.trials[m]
		switch {
		case r == nil:
			return false, false
		case r.stopped && r.passed < k, r.epochs <= h.rung(k):
			continue // it never gets to this rung
		case r.passed < k && r.passed < len(r.values), len(r.values) <= k && !r.ended:
			return false, false
		case len(r.values) <= k:
			continue // it ended before
		}
		all++
		if r.values[k] <= mine {
			better++
		}
	}
	return better < max(1, all/h.rule.Factor), true
}

// settled reports whether every decision about trial n, which has ended, has been
// made.
func (h *halving) settled(n int) bool {
	if h == nil {
		return true
	}
	r := h.trials[n]
	return r.stopped || r.passed == len(r.values)
}

// of returns the rungs of trial n, or nil.
func (h *halving) of(n int) *rungs {
	if h == nil {
		return nil
	}
	return h.trials[n]
}

// restore adds a trial from the journal, which is over. It was to run for that many
// epochs, had those values at the rungs, and was stopped after epoch stopped, or ran
// to its end (0).
func (h *halving) restore(n, epochs, stopped int, values []worker.Number) {
	if h == nil {
		return
	}
	r := &rungs{epochs: epochs, ended: true, stopped: stopped > 0, passed: len(values), cancel: func(error) {}}
	for k, v := range values {
		r.values = append(r.values, float64(v))
		if r.stopped && h.rung(k) == stopped {
			r.passed = k
		}
	}
	h.trials[n] = r
}

// stop returns after how many epochs trial n was stopped, 0 if it was not, and its
// value there.
func (h *halving) stop(n int) (epochs int, value float64) {
	if h == nil {
		return 0, 0
	}
	if r := h.trials[n]; r.stopped {
		return h.rung(r.passed), r.values[r.passed]
	}
	return 0, 0
}
