package sweep

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/runpod/train"
)

// A TrialResult is one training of a sweep.
type TrialResult struct {
	Number int // from 0, in the order of the points
	Point  Point
	// Value is what the sweep minimizes: the best validation loss, or the last training
	// loss without validation data; for accuracy, the share of wrong samples. See
	// Result.Objective. It is +Inf if the training failed.
	Value float64
	// Unused lists the dimensions that the trial's optimizer does not use.
	Unused []string
	Model  *train.Model // with weights only in the best trial so far
	// Stopped is the epoch after which Halving stopped the trial, or 0 if it did
	// not.
	Stopped int
	// Again reports whether the trial was read from the journal.
	Again bool
	Err   error
	// Time is how long the job ran: as RunPod counts it if there is a price, otherwise as
	// measured by the client.
	Time time.Duration
	// Dollars is what the trial cost, with the start and the idle time of its worker; 0 if
	// there is no price.
	Dollars float64
}

// Succeeded reports whether the trial ran to its end with a finite value.
func (t *TrialResult) Succeeded() bool {
	return t.Err == nil && t.Stopped == 0 && t.Model != nil && !math.IsInf(t.Value, 0)
}

// compare orders trials from the best to the worst: those that ran to their end by
// value, then the others. If two values are equal, the trial with the lower number
// is better, no matter which ended first.
func compare(a, b TrialResult) int {
	if x, y := a.Succeeded(), b.Succeeded(); x != y {
		if x {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Number, b.Number))
}

// A Result is the outcome of a sweep.
type Result struct {
	ID    string // of the sweep in the run store: its trials' Origin.Parent
	Space []Dimension
	// Objective is the metric that trials are compared by.
	Objective Objective
	Trials    []TrialResult // those that were run, by Number
	Best      int           // index in Trials, -1 if none succeeded
	// Ended says why there are fewer trials than asked for. It is empty if there
	// are not.
	Ended string
	// Time is the total time that the jobs ran, and Dollars what they cost.
	Time    time.Duration
	Dollars float64
}

// BestModel returns the model of the best trial, or nil.
func (r *Result) BestModel() *train.Model {
	if r.Best < 0 {
		return nil
	}
	return r.Trials[r.Best].Model
}

// Ranked returns the trials from the best to the worst. Those that were stopped or
// failed come last.
func (r *Result) Ranked() []TrialResult {
	return slices.SortedFunc(slices.Values(r.Trials), compare)
}
