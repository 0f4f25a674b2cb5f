package train

import (
	"errors"
	"math"
	"slices"

	"github.com/gopherpod/gopherpod/worker"
)

// Halving ends trials early, as ASHA does (Li et al.: A System for Massively Parallel
// Hyperparameter Tuning, MLSys 2020): after MinEpochs epochs, and each time that Factor
// times as many are over, a trial goes on only where it is among the best 1/Factor of
// the trials that came as far; else its job is cancelled, and only what it ran is
// billed. A trial is compared with trials before it by number, without those that run
// beside it, so that what is stopped does not depend on the workers' speed. Where one
// of those is late, so is the decision, and the trial runs a little longer.
type Halving struct {
	Factor    int // 3; 2 or more
	MinEpochs int // 1
}

var errHalved = errors.New("train: other trials were better after as many epochs")

// halving keeps what the trials of a sweep had at each rung. All methods want the
// sweep's lock.
type halving struct {
	rule   Halving
	beside int // trials that run beside one: not compared with
	trials map[int]*rungs
}

// rungs are those of one trial.
type rungs struct {
	epochs  int       // that the trial has in all
	values  []float64 // at each rung so far
	passed  int       // rungs at which it may go on
	stopped bool      // at rung number passed
	ended   bool
	cancel  func(error)
}

func newHalving(rule Halving, workers int) (*halving, error) {
	fill(&rule.Factor, 3)
	fill(&rule.MinEpochs, 1)
	if rule.Factor < 2 || rule.MinEpochs < 1 {
		return nil, worker.Invalid("halving", "wants a factor of 2 or more, and 1 epoch or more")
	}
	return &halving{rule: rule, beside: workers - 1, trials: map[int]*rungs{}}, nil
}

// rung is the number of epochs at rung k.
func (h *halving) rung(k int) int {
	return int(float64(h.rule.MinEpochs) * math.Pow(float64(h.rule.Factor), float64(k)))
}

func (h *halving) begin(n, epochs int, cancel func(error)) {
	h.trials[n] = &rungs{epochs: epochs, cancel: cancel}
}

// report notes the value of trial n after so many epochs.
func (h *halving) report(n, epochs int, value float64) {
	r := h.trials[n]
	if k := len(r.values); h.rung(k) == epochs && epochs < r.epochs {
		r.values = append(r.values, value)
		h.decide()
	}
}

// end notes that the trial's job is over.
func (h *halving) end(n int) {
	h.trials[n].ended = true
	h.decide()
}

// decide settles all rungs that can be.
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

// keeps tells whether trial n goes on after rung k; known is false where a trial to
// compare with is not so far yet.
func (h *halving) keeps(n, k int) (keep, known bool) {
	mine := h.trials[n].values[k]
	better, all := 0, 1
	for m := range n - h.beside {
		r := h.trials[m]
		switch {
		case r == nil:
			return false, false
		case r.stopped && r.passed < k, r.epochs <= h.rung(k):
			continue // it never gets there
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

// settled tells whether nothing about trial n, which has ended, is open.
func (h *halving) settled(n int) bool {
	r := h.trials[n]
	return r.stopped || r.passed == len(r.values)
}

// stop returns after how many epochs trial n was stopped, 0 where it was not, and its
// value there.
func (h *halving) stop(n int) (epochs int, value float64) {
	if r := h.trials[n]; r.stopped {
		return h.rung(r.passed), r.values[r.passed]
	}
	return 0, 0
}

// cut leaves the epochs up to one number to a model.
func (m *Model) cut(epochs int) {
	i := slices.IndexFunc(m.History.Records, func(e worker.Epoch) bool { return e.Epoch > epochs })
	if i >= 0 {
		m.History = NewHistory(m.History.Records[:i])
	}
	m.Epochs = min(m.Epochs, epochs)
	m.dropWeights()
}
