package contract

import (
	"math"
	"slices"
	"sync"
)

// A Hyperparameter is one row: a value that a request may give. A value that is
// not given has the default; an explicit 0 is a value like any other.
type Hyperparameter struct {
	// Name is the path below "hyperparameters": "momentum", "scheduler.gamma".
	Name  string `json:"name"`
	Type  Type   `json:"type"`
	Range *Range `json:"range,omitempty"` // of numbers
	// Length is how many numbers a list has; 0: any number of them.
	Length int      `json:"length,omitempty"`
	Values []string `json:"values,omitempty"` // of a choice

	// Default is what a worker takes if the value is not given. nil: Absent says
	// what happens then.
	Default any `json:"default,omitempty"`
	// DefaultBy has other defaults for some optimizers.
	DefaultBy map[string]any `json:"default_by,omitempty"`
	Absent    string         `json:"absent,omitempty"`
	Required  bool           `json:"required,omitempty"` // within its object

	// Optimizers, Losses and Schedulers list what the value applies to; nil: all. A
	// value that does not apply is refused, unless it is the default (clients of
	// the first version send all defaults) or the request has no protocol and the
	// optimizer is what it does not apply to (the predecessor ignores those).
	Optimizers []string `json:"optimizers,omitempty"`
	Losses     []string `json:"losses,omitempty"`
	Schedulers []string `json:"schedulers,omitempty"`
	// Above has a lowest value, itself excluded, for some losses: huber's delta.
	Above      map[string]float64 `json:"above,omitempty"`
	Operations []string           `json:"operations"` // that use it
	Workers    []string           `json:"workers"`    // that support it

	Option string `json:"option,omitempty"` // of %%runpod_train; "": --set
	Arg    string `json:"arg,omitempty"`    // what help calls the option's value, a word of Doc: "rate"
	// Job says that the value belongs to a job: a training that goes on from another does
	// not inherit it.
	Job bool `json:"job,omitempty"`
	// Varies says that a sweep may vary it.
	Varies bool `json:"varies,omitempty"`
	// InLoss says that the value is part of the loss that is reported: the losses of
	// trainings with other values are not comparable.
	InLoss bool   `json:"in_loss,omitempty"`
	Doc    string `json:"doc"`
}

// Limits of numbers in several rows.
const (
	maxCount = 1e12    // of epochs, steps, samples
	maxSeed  = 1 << 62 // seed + epoch stays an int64
)

func atLeast(low float64) *Range { return &Range{Low: low, High: math.MaxFloat32} }

func count(low, high float64) *Range { return &Range{Low: low, High: high} }

// real is any number that float32 holds.
var real = &Range{Low: -math.MaxFloat32, High: math.MaxFloat32}

// belowOne is 0 to 1 without 1.
var belowOne = &Range{High: 1, OpenHigh: true}

var share = &Range{High: 1}

var (
	trains = []string{"train", "train_epoch"}
	passes = []string{"train", "train_epoch", "evaluate"}
	all    = []string{"train", "train_epoch", "evaluate", "predict"}
	both   = []string{WorkerEngine, WorkerPyTorch}
	gpu    = []string{WorkerPyTorch}
)

// LookupHyperparameter returns the row called name.
func LookupHyperparameter(name string) (Hyperparameter, bool) {
	row, ok := hyperparametersByName()[name]
	return row, ok
}

var hyperparametersByName = sync.OnceValue(func() map[string]Hyperparameter {
	m := map[string]Hyperparameter{}
	for _, row := range Hyperparameters() {
		m[row.Name] = row
	}
	return m
})

// OfOption lists the rows that the option of %%runpod_train called name sets.
func OfOption(name string) []Hyperparameter {
	var rows []Hyperparameter
	for _, row := range Hyperparameters() {
		if row.Option == name {
			rows = append(rows, row)
		}
	}
	return rows
}

// UsedBy lists the names of the rows that an operation uses.
func UsedBy(operation string) []string {
	var names []string
	for _, row := range Hyperparameters() {
		if slices.Contains(row.Operations, operation) {
			names = append(names, row.Name)
		}
	}
	return names
}

// ByOptimizer reports whether the value belongs to an optimizer: another does not use it,
// or has another default.
func (h Hyperparameter) ByOptimizer() bool { return h.Optimizers != nil || h.DefaultBy != nil }

// HyperparameterNames lists the names of the rows.
func HyperparameterNames() []string {
	var names []string
	for _, row := range Hyperparameters() {
		names = append(names, row.Name)
	}
	return names
}

// DefaultFor returns the default for an optimizer; nil if the row has none.
func (h Hyperparameter) DefaultFor(optimizer string) any {
	if d, ok := h.DefaultBy[optimizer]; ok {
		return d
	}
	return h.Default
}

// Hyperparameters lists the rows in the order of the documentation.
func Hyperparameters() []Hyperparameter {
	return []Hyperparameter{
		{Name: "optimizer", Type: Choice, Values: OptimizerNames(), Default: "adam", Operations: trains, Workers: both, Option: "optimizer", Arg: "name", Varies: true, Doc: "The name of the rule that changes the weights."},
		{Name: "learning_rate", Type: Number, Range: atLeast(0), Default: 0.001, DefaultBy: map[string]any{"sgd": 0.01, "rmsprop": 0.01, "adagrad": 0.01, "nadam": 0.002, "lbfgs": 1.0},
			Operations: trains, Workers: both, Option: "lr", Arg: "rate", Varies: true, Doc: "The learning rate: the size of a step of the optimizer."},
		{Name: "loss_function", Type: Choice, Values: LossNames(), Default: "cross_entropy", Operations: passes, Workers: both, Option: "loss", Arg: "name", InLoss: true, Doc: "The name of what the training makes small."},
		{Name: "epochs", Job: true, Type: Integer, Range: count(1, 1e9), Default: 1, Operations: []string{"train"}, Workers: both, Option: "epochs", Arg: "number", Varies: true, Doc: "The number of passes over the data that this job adds."},
		{Name: "batch_size", Type: Integer, Range: count(1, maxCount), Default: 32, Absent: "train_epoch: all samples", Operations: all, Workers: both, Option: "batch-size", Arg: "samples", Varies: true, Doc: "The samples in a step."},
		{Name: "shuffle", Type: Boolean, Default: true, Operations: trains, Workers: both, Doc: "Draw a new order of the samples for each epoch. Without it a validation split holds out the last samples."},
		{Name: "drop_last", Type: Boolean, Default: false, Operations: trains, Workers: both, Option: "drop-last", Doc: "Leave out the last batch of an epoch if it is smaller than the others."},
		{Name: "seed", Type: Integer, Range: count(-maxSeed, maxSeed), Default: 0, Absent: "the client draws one", Operations: trains, Workers: both, Option: "seed", Arg: "number", Doc: "The number that makes weights, order of samples, dropout and validation split repeatable."},
		{Name: "validation_split", Type: Number, Range: belowOne, Default: 0.0, Operations: []string{"train"}, Workers: both, Option: "val-split", Arg: "share", Doc: "The share of the training data that is held out for validation."},

		{Name: "weight_decay", Type: Number, Range: atLeast(0), Default: 0.0, DefaultBy: map[string]any{"adamw": 0.01}, Optimizers: []string{"sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam"},
			Operations: trains, Workers: both, Option: "weight-decay", Arg: "factor", Varies: true, Doc: "The factor by which the weights shrink on their own."},
		{Name: "momentum", Type: Number, Range: atLeast(0), Default: 0.0, Optimizers: []string{"sgd", "rmsprop"}, Operations: trains, Workers: both, Option: "momentum", Arg: "share", Varies: true, Doc: "The share of the previous step in a step."},
		{Name: "nesterov", Type: Boolean, Default: false, Optimizers: []string{"sgd"}, Operations: trains, Workers: both, Doc: "Nesterov's momentum; requires momentum > 0 and no dampening."},
		{Name: "betas", Type: Numbers, Range: belowOne, Length: 2, Default: []float64{0.9, 0.999}, Optimizers: []string{"adam", "adamw", "nadam"}, Operations: trains, Workers: both, Doc: "The decay of the means of the gradient and of its square."},
		{Name: "alpha", Type: Number, Range: share, Default: 0.99, Optimizers: []string{"rmsprop"}, Operations: trains, Workers: both, Varies: true, Doc: "The decay of the mean of the squared gradient."},
		{Name: "eps", Type: Number, Range: atLeast(0), Default: 1e-8, DefaultBy: map[string]any{"adagrad": 1e-10}, Optimizers: []string{"adam", "adamw", "rmsprop", "adagrad", "nadam"},
			Operations: trains, Workers: both, Varies: true, Doc: "Added to a divisor, so that it is not 0."},
		{Name: "dampening", Type: Number, Range: real, Default: 0.0, Optimizers: []string{"sgd"}, Operations: trains, Workers: both, Varies: true, Doc: "How much less of the gradient enters the momentum."},
		{Name: "max_iter", Type: Integer, Range: count(1, 1e6), Default: 20, Optimizers: []string{"lbfgs"}, Operations: trains, Workers: gpu, Varies: true, Doc: "Iterations of lbfgs in a step."},

		{Name: "scheduler.type", Type: Choice, Values: SchedulerNames(), Required: true, Absent: "the learning rate is constant", Operations: trains, Workers: both, Option: "scheduler", Arg: "name", Doc: "The name of the rule by which the learning rate changes."},
		{Name: "scheduler.step_size", Type: Integer, Range: count(1, maxCount), Default: 10, Schedulers: []string{"step"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "Epochs between two steps."},
		{Name: "scheduler.gamma", Type: Number, Range: atLeast(0), Default: 0.1, Schedulers: []string{"step"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "The factor of the learning rate at a step."},
		{Name: "scheduler.t_max", Type: Integer, Range: count(1, maxCount), Absent: "start_epoch + epochs", Schedulers: []string{"cosine"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "Epochs until the lowest learning rate."},
		{Name: "scheduler.eta_min", Type: Number, Range: atLeast(0), Default: 0.0, Schedulers: []string{"cosine"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "The lowest learning rate."},
		{Name: "scheduler.max_lr", Type: Number, Range: &Range{High: math.MaxFloat32, OpenLow: true}, Absent: "10 times learning_rate", Schedulers: []string{"one_cycle"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "The largest learning rate."},
		{Name: "scheduler.factor", Type: Number, Range: belowOne, Default: 0.1, Schedulers: []string{"plateau"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "The factor of the learning rate on a plateau."},
		{Name: "scheduler.patience", Type: Integer, Range: count(0, maxCount), Default: 10, Schedulers: []string{"plateau"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "Epochs without improvement that are tolerated."},
		{Name: "scheduler.steps", Type: Integer, Range: count(1, maxCount), Default: 100, Schedulers: []string{"warmup"}, Operations: trains, Workers: both, Option: "scheduler", Doc: "Batches until the full learning rate."},

		{Name: "early_stopping.patience", Job: true, Type: Integer, Range: count(1, maxCount), Required: true, Absent: "the training does not stop early", Operations: []string{"train"}, Workers: both, Option: "early-stop", Arg: "epochs", Doc: "The epochs without improvement after which the training stops."},
		{Name: "early_stopping.min_delta", Job: true, Type: Number, Range: atLeast(0), Default: 0.0, Operations: []string{"train"}, Workers: both, Option: "early-stop", Doc: "The smallest decrease that counts as an improvement."},
		{Name: "early_stopping.monitor", Job: true, Type: Choice, Values: []string{"loss", "val_loss"}, Absent: "val_loss if there is validation, else loss", Operations: []string{"train"}, Workers: both, Option: "early-stop", Doc: "The value that has to fall."},

		{Name: "keep", Type: Choice, Values: []string{"best", "last"}, Absent: "best with early_stopping, else last", Operations: []string{"train"}, Workers: both, Option: "keep", Arg: "which", Doc: "Which weights the result holds: those of the epoch with the lowest monitored loss (early_stopping.monitor; else val_loss if there is validation, else loss), or the last ones."},

		{Name: "precision", Type: Choice, Values: PrecisionNames(), Default: "auto", Operations: all, Workers: both, Option: "precision", Arg: "name", Doc: "The name of the numbers that the model computes with; auto leaves it to the worker."},
		{Name: "clip_norm", Type: Number, Range: atLeast(0), Default: 0.0, Operations: trains, Workers: both, Option: "clip-norm", Arg: "norm", Varies: true, Doc: "The largest norm of the whole gradient; 0: no limit."},
		{Name: "clip_value", Type: Number, Range: atLeast(0), Default: 0.0, Operations: trains, Workers: both, Varies: true, Doc: "The largest absolute value in the gradient; 0: no limit."},
		{Name: "class_weights", Type: Numbers, Range: atLeast(0), Absent: "all classes weigh 1", Losses: []string{"cross_entropy", "nll"}, Operations: passes, Workers: both, InLoss: true, Doc: "The weight of each class in the loss."},
		{Name: "label_smoothing", Type: Number, Range: share, Default: 0.0, Losses: []string{"cross_entropy"}, Operations: passes, Workers: both, Varies: true, InLoss: true, Doc: "The share of the label that is spread over all classes."},
		{Name: "delta", Type: Number, Range: atLeast(0), Default: 1.0, Losses: []string{"smooth_l1", "huber"}, Above: map[string]float64{"huber": 0}, Operations: passes, Workers: both, InLoss: true, Doc: "The difference at which the loss turns from quadratic to linear: beta of smooth_l1, delta of huber."},
		{Name: "top_k", Type: Integer, Range: count(0, 1e6), Default: 0, Losses: []string{"cross_entropy", "nll"}, Operations: passes, Workers: both, Doc: "Evaluation also reports the accuracy of the k best classes; 0: it does not."},

		{Name: "gpus", Job: true, Type: GPUs, Range: count(1, 64), Default: 1, Operations: []string{"train"}, Workers: gpu, Option: "gpus", Arg: "number", Doc: "The number of GPUs of the worker to use, or all."},
		{Name: "on_oom", Type: Choice, Values: []string{"error", "halve"}, Default: "error", Operations: []string{"train"}, Workers: gpu, Doc: "What happens if a batch does not fit into the GPU's memory: fail, or halve the batch size until it fits."},
		{Name: "accelerate", Type: Choice, Values: []string{"auto", "off", "graph", "compile"}, Default: "auto", Operations: trains, Workers: gpu, Doc: "Whether CUDA graphs or torch.compile run the steps."},
		{Name: "checkpoint.epochs", Type: Integer, Range: count(0, 1e9), Default: 0, Operations: []string{"train"}, Workers: gpu, Doc: "Save the running training after that many epochs; 0: never."},
		{Name: "checkpoint.seconds", Type: Number, Range: atLeast(0), Default: 0.0, Absent: "without any checkpoint field: 60", Operations: []string{"train"}, Workers: gpu, Doc: "Save the running training after that many seconds; 0: never."},
	}
}
