package train

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// Options say how to train. The zero value works; a default stands on its field.
// With From, a field that is left out has the value of the training before.
type Options struct {
	Epochs       Number // 10; how many to add
	BatchSize    Number // 32 samples
	LearningRate Number // 0.001; sgd, rmsprop and adagrad 0.01, nadam 0.002, lbfgs 1
	Optimizer    string // "adam"; see worker.Optimizers
	Loss         string // "cross_entropy"; see worker.Losses
	// Seed makes the training repeatable: weights, order of samples, dropout,
	// validation split. nil: drawn; Model.Seed tells it. See Seed.
	Seed *int64

	// Validation is data that is measured after each epoch and not learned from.
	Validation *Data
	// ValidationSplit holds out that share of the training data for it, 0 to 1.
	ValidationSplit Number

	WeightDecay    Number // 0; adamw 0.01
	Momentum       Number // 0; sgd and rmsprop
	Nesterov       bool   // sgd with momentum
	ClipNorm       Number // 0: none; the largest norm of the whole gradient
	LabelSmoothing Number // 0; cross_entropy
	ClassWeights   []float64
	Precision      string            // "auto"; "fp32", "tf32", "bf16", "fp16"
	GPUs           int               // 1; of the worker's, how many to use; AllGPUs for all
	KeepOrder      bool              // do not shuffle; a validation split holds out the last samples
	DropLast       bool              // leave out the last batch of an epoch if it is smaller
	Scheduler      *worker.Scheduler // with From, the type "none" turns the model's off
	EarlyStopping  *worker.EarlyStopping
	// Keep chooses the weights of the model: those of the "best" epoch, the one with the
	// lowest validation loss (or training loss, without validation; EarlyStopping.Monitor
	// if given), or the "last" ones. "": best with EarlyStopping, else last.
	Keep string

	// Hyperparameters are those that no field here stands for: Betas, Alpha, Eps,
	// Dampening, MaxIter, Delta, ClipValue, OnOOM, Accelerate, Checkpoint and TopK, as
	// package worker explains them; Give sets one to an explicit 0. If a field here is
	// set too, that one counts.
	Hyperparameters *worker.Hyperparameters

	// From is a model to train further, with its weights and the state of its
	// optimizer: 5 epochs and 5 more are 10. The layers must be the same.
	From *Model

	// Endpoint runs the job. nil: what Endpoint returns.
	Endpoint *runpod.Endpoint
	// Inline is how many bytes of arrays travel inside the request; 0: 1 MB. More
	// than that goes before it, once: what the endpoint has already is referred to
	// by its digest.
	Inline int
	// Store is where the endpoint's workers read data from. nil: what the environment
	// names for the endpoint, else the data go as jobs of their own.
	Store store.Store
	// StateDelta asks, with From, for the states as their differences to From's, each where
	// that is shorter: about three quarters of the bytes, for some computing on both sides.
	// nil: where the endpoint is not on this machine and From's worker could do it.
	StateDelta *bool
	// Resume takes up a training that an earlier process began.
	Resume Resume
	// OnSubmit is told before a job is submitted, with an empty job id, and again when
	// the job is accepted. A journal of it lets a later process Resume.
	OnSubmit func(runID string, job runpod.JobID)
	// Runs is where the run is kept. nil: the store of the notebook's kernel, where the
	// program runs in one.
	Runs runs.Store
	// Origin is kept there with the run.
	Origin Origin
	// Rate is the price of the endpoint, for what the store says that the run cost.
	Rate Rate
	// GiveUp ends, when it is closed, the wait for the weights of an interrupted
	// training; see Collect. nil: 6 s.
	GiveUp <-chan struct{}
	// Policy bounds the job on the server: time, life, priority.
	Policy runpod.Policy
	// OnEvent is called for what happens, as the Event of an Observer is.
	OnEvent func(Event)
	// Observers follow the run; package track has some.
	Observers []Observer
}

// DefaultEpochs is how many epochs a training adds if Options.Epochs is not given.
const DefaultEpochs = 10

// AllGPUs is the value of Options.GPUs for all that the worker has.
const AllGPUs = -1

// Seed is a value for Options.Seed.
func Seed(n int64) *int64 { return &n }

// Number returns the field of the hyperparameter with that name in package contract, nil if
// there is none that is a Number.
func (o *Options) Number(name string) *Number {
	return map[string]*Number{
		"epochs": &o.Epochs, "batch_size": &o.BatchSize, "learning_rate": &o.LearningRate, "validation_split": &o.ValidationSplit,
		"weight_decay": &o.WeightDecay, "momentum": &o.Momentum, "clip_norm": &o.ClipNorm, "label_smoothing": &o.LabelSmoothing,
	}[name]
}

// Given returns the hyperparameters that the options and From give: unchecked, without
// defaults.
func (o Options) Given() (*worker.Hyperparameters, error) {
	h, err := o.own()
	if err == nil && o.From != nil {
		h.Inherit(&o.From.Hyperparameters)
	}
	return h, err
}

// Repeat returns the options with the hyperparameters of an earlier run instead of its
// own, and says which of those the optimizer, the loss or the scheduler did not use:
// earlier versions ignored them, and this one would refuse them.
func (o Options) Repeat(h worker.Hyperparameters) (again Options, ignored []string) {
	ignored = h.DropUnused()
	h.TopK = 0 // it is about evaluations
	if o.From != nil && h.Scheduler == nil {
		h.Scheduler = &worker.Scheduler{Type: "none"} // not that of From
	}
	o.Epochs, o.BatchSize, o.LearningRate, o.ValidationSplit = nil, nil, nil, nil
	o.WeightDecay, o.Momentum, o.ClipNorm, o.LabelSmoothing = nil, nil, nil, nil
	o.Optimizer, o.Loss, o.Precision, o.Seed, o.ClassWeights, o.GPUs = "", "", "", nil, nil, 0
	o.Nesterov, o.KeepOrder, o.DropLast, o.Scheduler, o.EarlyStopping = false, false, false, nil, nil
	o.Hyperparameters = &h
	return o, ignored
}

// own returns the hyperparameters that the options give, without those of From.
func (o Options) own() (*worker.Hyperparameters, error) {
	h := &worker.Hyperparameters{}
	if o.Hyperparameters != nil {
		h.Over(o.Hyperparameters)
	}
	h.Over(&worker.Hyperparameters{
		Optimizer: o.Optimizer, LossFunction: o.Loss, Seed: o.Seed, Nesterov: o.Nesterov, DropLast: o.DropLast,
		ClassWeights: o.ClassWeights, Precision: o.Precision, Scheduler: o.Scheduler, EarlyStopping: o.EarlyStopping, Keep: o.Keep,
	})
	for _, name := range contract.HyperparameterNames() {
		if n := o.Number(name); n != nil {
			if err := giveNumber(h, name, *n); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case o.GPUs == AllGPUs:
		h.GPUs = json.RawMessage(`"all"`)
	case o.GPUs != 0:
		h.GPUs = json.RawMessage(strconv.Itoa(o.GPUs))
	}
	if o.KeepOrder {
		h.Shuffle = new(bool)
	}
	return h, nil
}

// hyperparameters are the options as they travel, defaults filled in. The seed is
// drawn here, so that repeating the job repeats the result.
func (o Options) hyperparameters() (*worker.Hyperparameters, error) {
	h, err := o.own()
	if err != nil {
		return nil, err
	}
	held := h.ValidationSplit != 0 // asked for in this call
	if o.From != nil {
		h.Inherit(&o.From.Hyperparameters)
	}
	if h.Scheduler != nil && h.Scheduler.Type == "none" {
		h.Scheduler = nil
	}
	if !h.Has("epochs") {
		h.Epochs = DefaultEpochs
	}
	if h.Seed == nil {
		h.Seed = Seed(drawSeed())
	}
	if o.Validation != nil && h.ValidationSplit != 0 {
		if held {
			return nil, worker.Invalid("validation_split", "cannot stand beside validation data; give one of them")
		}
		h.ValidationSplit = 0
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h.WithDefaults(worker.OpTrain), nil
}

// drawSeed returns a seed of at most 31 bits, which people can copy.
func drawSeed() int64 {
	var b [4]byte
	rand.Read(b[:])
	return int64(binary.LittleEndian.Uint32(b[:]) >> 1)
}

// DrawSeed draws a value for Options.Seed.
func DrawSeed() *int64 { return Seed(drawSeed()) }

// NewRunID draws the name of a run: 16 hexadecimal digits.
func NewRunID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
