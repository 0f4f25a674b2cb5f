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

// Options say how to train. The zero value works; the comment of a field begins with its
// default. With From, a field that is not given has the value of From's training.
type Options struct {
	Epochs       Number // 10; how many to add
	BatchSize    Number // 32 samples
	LearningRate Number // 0.001; sgd, rmsprop and adagrad 0.01, nadam 0.002, lbfgs 1
	Optimizer    string // "adam"; see worker.Optimizers
	Loss         string // "cross_entropy"; see worker.Losses
	// Seed makes the training repeatable: weights, order of samples, dropout,
	// validation split. nil: drawn at random; Model.Seed returns it. See Seed.
	Seed *int64

	// Validation is data that the model is measured on after each epoch. It does not learn
	// from it.
	Validation *Data
	// ValidationSplit is the share of the training data to hold out for validation, 0 to 1.
	ValidationSplit Number

	WeightDecay    Number // 0; adamw 0.01
	Momentum       Number // 0; sgd and rmsprop
	Nesterov       bool   // sgd with momentum
	ClipNorm       Number // 0: none; the largest norm allowed for the whole gradient
	LabelSmoothing Number // 0; cross_entropy
	ClassWeights   []float64
	Precision      string            // "auto"; "fp32", "tf32", "bf16", "fp16"
	GPUs           int               // 1; how many of the worker's GPUs to use; AllGPUs for all
	KeepOrder      bool              // do not shuffle; a validation split holds out the last samples
	DropLast       bool              // leave out the last batch of an epoch if it is smaller
	Scheduler      *worker.Scheduler // with From, the type "none" turns the model's off
	EarlyStopping  *worker.EarlyStopping
	// Keep chooses the weights of the model: those of the "best" epoch, the one with the
	// lowest validation loss (or training loss, without validation; EarlyStopping.Monitor
	// if given), or the "last" ones. "": best with EarlyStopping, else last.
	Keep string

	// Hyperparameters has the hyperparameters that have no field here: Betas, Alpha, Eps,
	// Dampening, MaxIter, Delta, ClipValue, OnOOM, Accelerate, Checkpoint and TopK; see
	// package worker. Its method Give sets one to an explicit 0. If a field here is set
	// too, that field wins.
	Hyperparameters *worker.Hyperparameters

	// From is a model to train further, with its weights and the state of its
	// optimizer: 5 epochs and 5 more are 10. The layers must be the same.
	From *Model

	// Endpoint runs the job. nil: what the function Endpoint returns.
	Endpoint *runpod.Endpoint
	// Inline is how many bytes of arrays may travel inside the request; 0: 1 MB. If there
	// are more, the arrays are sent before the request, each once, and the request refers
	// to them by digest.
	Inline int
	// Store is where the endpoint's workers read data from. nil: the store that the
	// environment names for the endpoint; if it names none, the data is sent as jobs.
	Store store.Store
	// StateDelta asks, with From, for each state as a delta to From's if that is shorter:
	// about three quarters of the bytes, for some computing on both sides. nil: yes if the
	// endpoint is not on this machine and From's worker supports it.
	StateDelta *bool
	// Resume continues a training that an earlier process began.
	Resume Resume
	// OnSubmit is called with an empty job id before a job is submitted, and again with
	// its id when the job is accepted. A program that records these calls can Resume later.
	OnSubmit func(runID string, job runpod.JobID)
	// Runs is the store to keep the run in. nil: the store of the notebook's kernel, if
	// the program runs in one.
	Runs runs.Store
	// Origin is kept in that store with the run.
	Origin Origin
	// Rate is the price of the endpoint, from which the cost of the run is computed. The zero
	// value: what the management API says, if there is a run store or a budget.
	Rate Rate
	// Workers is how many runs like this one run at the same time, for a limit of dollars an
	// hour; default 1.
	Workers int
	// GiveUp stops, when it is closed, the wait for the weights of a training that was
	// interrupted or failed. That of a failed one ends after a minute. That of an interrupted one
	// takes until the worker has finished its batch, or 6 s if GiveUp is nil; see Collect. Hold is
	// called before the wait for a batch; nil: nothing is called.
	GiveUp <-chan struct{}
	Hold   func()
	// Policy limits the job: its time, its life and its wait for a worker; and sets its
	// priority. Without an ExecutionTimeout the endpoint's own limit applies; see
	// runpod.Endpoint.TimeLimit.
	Policy runpod.Policy
	// OnEvent is called for each event, like the method Event of an Observer.
	OnEvent func(Event)
	// Observers follow the run; package track has some.
	Observers []Observer
}

// DefaultEpochs is how many epochs a training adds if Options.Epochs is not given.
const DefaultEpochs = 10

// AllGPUs is the value of Options.GPUs for all GPUs of the worker.
const AllGPUs = -1

// Seed returns n as a value for Options.Seed.
func Seed(n int64) *int64 { return &n }

// Number returns the field for the hyperparameter with that name in package contract, nil
// if no field of type Number has it.
func (o *Options) Number(name string) *Number {
	return map[string]*Number{
		"epochs": &o.Epochs, "batch_size": &o.BatchSize, "learning_rate": &o.LearningRate, "validation_split": &o.ValidationSplit,
		"weight_decay": &o.WeightDecay, "momentum": &o.Momentum, "clip_norm": &o.ClipNorm, "label_smoothing": &o.LabelSmoothing,
	}[name]
}

// Given returns the hyperparameters that the options and From give, unchecked and without
// defaults.
func (o Options) Given() (*worker.Hyperparameters, error) {
	h, err := o.own()
	if err == nil && o.From != nil {
		h.Inherit(&o.From.Hyperparameters)
	}
	return h, err
}

// Repeat returns the options with the hyperparameters of an earlier run instead of their
// own. It leaves out the hyperparameters that the run's optimizer, loss or scheduler does
// not use, and returns their names: earlier versions ignored them, but this one would
// refuse them.
func (o Options) Repeat(h worker.Hyperparameters) (again Options, ignored []string) {
	ignored = h.DropUnused()
	h.TopK = 0 // it matters only in evaluations
	if o.From != nil && h.Scheduler == nil {
		h.Scheduler = &worker.Scheduler{Type: "none"} // do not inherit From's
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

// hyperparameters returns the hyperparameters as they are sent, with defaults filled in. It
// draws the seed if none is given: here and not on the worker, so that repeating the job
// repeats the result.
func (o Options) hyperparameters() (*worker.Hyperparameters, error) {
	h, err := o.own()
	if err != nil {
		return nil, err
	}
	held := h.ValidationSplit != 0 // given in this call, not inherited
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
			return nil, worker.Invalid("validation_split", "cannot be given together with validation data; give one of them")
		}
		h.ValidationSplit = 0
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h.WithDefaults(worker.OpTrain), nil
}

// drawSeed returns a random seed of at most 31 bits, short enough for people to copy.
func drawSeed() int64 {
	var b [4]byte
	rand.Read(b[:])
	return int64(binary.LittleEndian.Uint32(b[:]) >> 1)
}

// DrawSeed draws a value for Options.Seed.
func DrawSeed() *int64 { return Seed(drawSeed()) }

// NewRunID returns a random id for a run: 16 hexadecimal digits.
func NewRunID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
