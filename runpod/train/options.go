package train

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/worker"
)

// Options say how to train. The zero value works; a default stands on its field.
// With From, a field that is left out has the value of the training before.
type Options struct {
	Epochs       int     // 10; how many to add
	BatchSize    int     // 32 samples
	LearningRate float64 // 0.001; sgd, rmsprop and adagrad 0.01, nadam 0.002, lbfgs 1
	Optimizer    string  // "adam"; see worker.Optimizers
	Loss         string  // "cross_entropy"; see worker.Losses
	// Seed makes the training repeatable: weights, order of samples, dropout,
	// validation split. nil: drawn; Model.Seed tells it. See Seed.
	Seed *int64

	// Validation is data that is measured after each epoch and not learned from.
	Validation *Data
	// ValidationSplit holds out that share of the training data for it, 0 to 1.
	ValidationSplit float64

	WeightDecay    float64 // 0; adamw 0.01
	Momentum       float64 // 0; sgd and rmsprop
	Nesterov       bool    // sgd with momentum
	ClipNorm       float64 // 0: none; the largest norm of the whole gradient
	LabelSmoothing float64 // 0; cross_entropy
	ClassWeights   []float64
	Precision      string // "auto"; "fp32", "tf32", "bf16", "fp16"
	GPUs           int    // 1; of the worker's, how many to use; AllGPUs for all
	KeepOrder      bool   // do not shuffle
	Scheduler      *worker.Scheduler
	EarlyStopping  *worker.EarlyStopping

	// Hyperparameters are those that no field here stands for: Betas, Alpha, Eps,
	// Dampening, MaxIter, Delta, ClipValue, OnOOM, Accelerate, Checkpoint and TopK, as
	// package worker explains them. Where a field here is set too, that counts.
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
	// OnEvent is told what happens, in order, from one goroutine. It should return
	// soon: the stream waits for it.
	OnEvent func(Event)
}

// An Event is what Options.OnEvent learns: an event of the worker, or, where Type
// is empty, a new status of the job.
type Event struct {
	JobID  runpod.JobID
	Status runpod.Status
	worker.Event
}

const defaultEpochs = 10

// AllGPUs is the value of Options.GPUs for all that the worker has.
const AllGPUs = -1

// Seed is a value for Options.Seed.
func Seed(n int64) *int64 { return &n }

// hyperparameters are the options as they travel, defaults filled in. The seed is
// drawn here, so that whoever repeats the job repeats the result.
func (o Options) hyperparameters() (*worker.Hyperparameters, error) {
	h := &worker.Hyperparameters{
		Optimizer: o.Optimizer, LearningRate: o.LearningRate, LossFunction: o.Loss,
		Epochs: o.Epochs, BatchSize: o.BatchSize, Seed: o.Seed, ValidationSplit: o.ValidationSplit,
		WeightDecay: o.WeightDecay, Momentum: o.Momentum, Nesterov: o.Nesterov, ClipNorm: o.ClipNorm,
		LabelSmoothing: o.LabelSmoothing, ClassWeights: o.ClassWeights, Precision: o.Precision,
		Scheduler: o.Scheduler, EarlyStopping: o.EarlyStopping,
	}
	if more := o.Hyperparameters; more != nil {
		given := *more
		lay(&given, h)
		h = &given
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
	if o.From != nil {
		inherit(h, o.From.Hyperparameters)
	}
	if h.Epochs == 0 {
		h.Epochs = defaultEpochs
	}
	if h.Seed == nil {
		h.Seed = Seed(drawSeed())
	}
	if o.Validation != nil && h.ValidationSplit != 0 {
		if o.ValidationSplit != 0 {
			return nil, worker.Invalid("validation_split", "cannot stand beside validation data; give one of them")
		}
		h.ValidationSplit = 0
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h.WithDefaults(worker.OpTrain), nil
}

// inherit fills in what is left out from the training before. The learning rate
// and what belongs to the optimizer stay only with the same optimizer.
func inherit(h *worker.Hyperparameters, before worker.Hyperparameters) {
	same := h.Optimizer == "" || h.Optimizer == before.Optimizer
	fill(&h.Optimizer, before.Optimizer)
	fill(&h.LossFunction, before.LossFunction)
	fill(&h.BatchSize, before.BatchSize)
	fill(&h.ValidationSplit, before.ValidationSplit)
	fill(&h.ClipNorm, before.ClipNorm)
	fill(&h.LabelSmoothing, before.LabelSmoothing)
	fill(&h.Precision, before.Precision)
	fill(&h.Seed, before.Seed)
	fill(&h.Shuffle, before.Shuffle)
	fill(&h.Scheduler, before.Scheduler)
	fill(&h.ClipValue, before.ClipValue)
	fill(&h.Delta, before.Delta)
	fill(&h.OnOOM, before.OnOOM)
	fill(&h.Accelerate, before.Accelerate)
	fill(&h.Checkpoint, before.Checkpoint)
	fill(&h.TopK, before.TopK)
	if h.ClassWeights == nil {
		h.ClassWeights = before.ClassWeights
	}
	if same {
		fill(&h.LearningRate, before.LearningRate)
		fill(&h.WeightDecay, before.WeightDecay)
		fill(&h.Momentum, before.Momentum)
		h.Nesterov = h.Nesterov || before.Nesterov
		fill(&h.Betas, before.Betas)
		fill(&h.Alpha, before.Alpha)
		fill(&h.Eps, before.Eps)
		fill(&h.Dampening, before.Dampening)
		fill(&h.MaxIter, before.MaxIter)
	}
}

// lay puts the fields of over that are set on those of h.
func lay(h, over *worker.Hyperparameters) {
	to, from := reflect.ValueOf(h).Elem(), reflect.ValueOf(over).Elem()
	for i := range from.NumField() {
		if f := from.Field(i); !f.IsZero() {
			to.Field(i).Set(f)
		}
	}
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
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
