package sweep

import (
	"time"

	"github.com/gopherpod/gopherpod/runpod/train"
)

// Options say how to search. The zero value works.
type Options struct {
	Trials  int    // 20; for a grid, all of it
	Workers int    // 4: how many trials run at once
	Method  string // "random"; see Methods
	// Objective is the metric that trials are compared by: ObjectiveLoss or
	// ObjectiveAccuracy. The default is the loss, unless a dimension changes what
	// the loss measures.
	Objective string
	Seed      *int64 // for choosing points; nil means the seed of the training
	// Halving stops trials early if others did better; nil stops none.
	Halving *Halving
	// MaxTime is the time after which no further trial begins; 0 means no limit.
	MaxTime time.Duration
	// MaxCost is the most that all trials together may cost, in US dollars, at Rate. A
	// trial begins only if the most that its job may cost, which its timeout on the
	// server bounds, still fits, so the cap holds even if this machine crashes.
	MaxCost float64
	Rate    train.Rate
	// Journal is a file to which each trial is written as it ends. If the file exists and
	// belongs to this sweep, only failed trials are run again. Jobs of trials that had
	// begun are followed to their end and not paid for again. The weights of the best
	// trial are beside it, in Journal + ".safetensors".
	Journal string
	// OnTrial is called for each finished trial, one at a time.
	OnTrial func(TrialResult)
	// Observe is called for each trial before it is sent, from several goroutines, and
	// returns what follows the trial, or nil. The observers of the trainings' options are
	// not called: trials run at the same time.
	Observe func(number int, p *train.Plan) train.Observer
}

const (
	defaultTrials  = 20
	defaultWorkers = 4
)
