package worker

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// Hyperparameters say how to train. Names are PyTorch's and the predecessor's;
// ranges and defaults are the rows of package contract.
//
// A field that is zero is not given, unless JSON, Set or Give gave it: an explicit
// 0 is a value, which MarshalJSON writes and WithDefaults leaves alone. Has reports
// which fields are given.
//
// One seed gives the same start on every worker, and 5+5 epochs are 10: all
// random numbers are those of PyTorch's CPU generator (MT19937), each stream
// from a generator seeded for it.
//
//	seed      the validation split: p = randperm(n) if shuffle is on, else 0, 1, 2, ...;
//	          the last part of p is held out, the others in the order of p are the
//	          training samples 0, 1, 2, ...
//	seed      the weights, layer after layer
//	seed + e  the order of the training samples in epoch e, counted from 1 over all
//	          continuations: randperm if shuffle is on, else 0, 1, 2, ...
//	seed + e  the dropout masks of epoch e, as the forward passes go
//
// The last batch of an epoch may be smaller; DropLast leaves it out. An epoch's loss is the mean of the
// batch losses, weighted by batch size.
type Hyperparameters struct {
	Optimizer    string  `json:"optimizer,omitempty"`     // see Optimizers; "adam"
	LearningRate float64 `json:"learning_rate,omitempty"` // 0.001; sgd, rmsprop and adagrad 0.01, nadam 0.002, lbfgs 1
	LossFunction string  `json:"loss_function,omitempty"` // see Losses; "cross_entropy"

	Epochs    int    `json:"epochs,omitempty"`     // 1; how many this job adds
	BatchSize int    `json:"batch_size,omitempty"` // 32; train_epoch: all samples, as before
	Shuffle   *bool  `json:"shuffle,omitempty"`    // true
	DropLast  bool   `json:"drop_last,omitempty"`  // leave out a last batch that is smaller than the others
	Seed      *int64 `json:"seed,omitempty"`       // drawn by the client; a worker takes absence as 0, except in a train_epoch without protocol

	// ValidationSplit holds out the last floor(n*split) samples, at least one, of
	// a seeded shuffle, or of the samples as they are if Shuffle is off; 0 to 1.
	ValidationSplit float64 `json:"validation_split,omitempty"`

	WeightDecay float64     `json:"weight_decay,omitempty"` // 0; adamw 0.01
	Momentum    float64     `json:"momentum,omitempty"`     // 0 (sgd, rmsprop)
	Nesterov    bool        `json:"nesterov,omitempty"`     // sgd with momentum
	Betas       *[2]float64 `json:"betas,omitempty"`        // [0.9, 0.999] (adam, adamw, nadam)
	Alpha       float64     `json:"alpha,omitempty"`        // 0.99 (rmsprop)
	Eps         float64     `json:"eps,omitempty"`          // 1e-8; adagrad 1e-10

	Scheduler      *Scheduler     `json:"scheduler,omitempty"`
	EarlyStopping  *EarlyStopping `json:"early_stopping,omitempty"`
	Keep           string         `json:"keep,omitempty"`       // "best", "last"; best with EarlyStopping, else last
	Precision      string         `json:"precision,omitempty"`  // "auto", "fp32", "tf32", "bf16", "fp16"
	ClipNorm       float64        `json:"clip_norm,omitempty"`  // 0: none; largest total norm of the gradient
	ClipValue      float64        `json:"clip_value,omitempty"` // 0: none; largest absolute value in the gradient
	ClassWeights   []float64      `json:"class_weights,omitempty"`
	LabelSmoothing float64        `json:"label_smoothing,omitempty"` // 0; cross_entropy
	Delta          float64        `json:"delta,omitempty"`           // 1; smooth_l1's beta, huber's delta
	Dampening      float64        `json:"dampening,omitempty"`       // 0; sgd
	MaxIter        int            `json:"max_iter,omitempty"`        // 20; lbfgs
	TopK           int            `json:"top_k,omitempty"`           // 0: none; evaluate reports top_k_accuracy too

	// What follows is for workers on GPUs; the engine on the CPU has no use for it.
	GPUs       json.RawMessage `json:"gpus,omitempty"`       // 1; a number or "all"
	OnOOM      string          `json:"on_oom,omitempty"`     // "error"; "halve": the batch size, until it fits
	Accelerate string          `json:"accelerate,omitempty"` // "auto", "off", "graph", "compile"
	Checkpoint *Checkpoint     `json:"checkpoint,omitempty"`

	given given
}

// A Checkpoint says when a worker saves a running training to its volume:
// whichever comes first. 0 is never.
type Checkpoint struct {
	Epochs  int     `json:"epochs,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // 60 if there is no Checkpoint

	given given
}

// A Scheduler changes the learning rate. Epochs and steps (batches) are counted
// over all continuations.
//
//	step       after every step_size epochs (default 10), times gamma (0.1)
//	cosine     from learning_rate to eta_min over t_max epochs (default: start_epoch + epochs)
//	one_cycle  PyTorch's OneCycleLR with max_lr (default: 10 times learning_rate), a step a batch,
//	           over start_epoch + epochs; momentum is not cycled
//	plateau    times factor (0.1) when the monitored loss has not fallen by 1e-4 of
//	           itself for more than patience epochs (10)
//	warmup     learning_rate times k/steps in the k-th step, up to steps (default 100)
type Scheduler struct {
	Type     string  `json:"type"`
	StepSize int     `json:"step_size,omitempty"`
	Gamma    float64 `json:"gamma,omitempty"`
	TMax     int     `json:"t_max,omitempty"`
	EtaMin   float64 `json:"eta_min,omitempty"`
	MaxLR    float64 `json:"max_lr,omitempty"`
	Factor   float64 `json:"factor,omitempty"`
	Patience int     `json:"patience,omitempty"`
	Steps    int     `json:"steps,omitempty"`

	given given
}

// EarlyStopping ends training when the monitored value has not fallen by
// MinDelta for Patience epochs, and keeps the best state.
type EarlyStopping struct {
	Patience int     `json:"patience"` // 1 or more
	MinDelta float64 `json:"min_delta,omitempty"`
	Monitor  string  `json:"monitor,omitempty"` // "val_loss" if there is validation, else "loss"

	given given
}

// Optimizers lists the optimizers of the contract, names as in torch.optim.
func Optimizers() []string {
	return contract.OptimizerNames()
}

// Losses lists the loss functions of the contract. Labels are class numbers for
// cross_entropy and nll; floats of the output's shape, or [n] for an output of
// [n, 1], for the others. All are means, kl_div over the samples ("batchmean").
func Losses() []string {
	return contract.LossNames()
}

// Schedulers lists the schedulers of the contract.
func Schedulers() []string { return contract.SchedulerNames() }

// Precisions lists what may be asked for; "auto" leaves it to the worker.
func Precisions() []string { return row("precision").Values }

// ClassLabels reports whether the labels of a loss are class numbers.
func ClassLabels(loss string) bool {
	return contract.TaskOf(loss) == contract.TaskClasses
}

// Binary reports whether each output under a loss decides between 0 and 1.
func Binary(loss string) bool {
	return contract.TaskOf(loss) == contract.TaskLabels
}

// Classifies reports whether trainings with a loss have an accuracy.
func Classifies(loss string) bool { return ClassLabels(loss) || Binary(loss) }

// OtherLoss lists the hyperparameters that change what the loss measures and that are not
// alike in h and other, defaults counted: with any, the two losses are not comparable.
func (h *Hyperparameters) OtherLoss(other *Hyperparameters) (names []string) {
	a, b := h.WithDefaults(OpTrain), other.WithDefaults(OpTrain)
	for _, row := range contract.Hyperparameters() {
		x, _ := a.slot(row.Name, false)
		y, _ := b.slot(row.Name, false)
		if row.InLoss && !reflect.DeepEqual(x.value.Interface(), y.value.Interface()) {
			names = append(names, row.Name)
		}
	}
	return names
}

// Set gives the hyperparameter with that name a value as people write it: a number,
// a word, or several with commas between, as in class_weights 1,2,0.5; a dot leads
// into an object, as in checkpoint.epochs. "none" turns one off that has no word of
// that name: it is the default then, whatever was there. A hyperparameter that does
// not exist, or wants something else, is an ErrInvalid there.
func (h *Hyperparameters) Set(name, value string) error {
	row, _ := contract.LookupHyperparameter(name)
	if value == "none" {
		switch {
		case slices.Contains(row.Values, value) || row.DefaultBy != nil || row.Required:
		case row.Default != nil:
			return h.Give(name, row.Default)
		case row.Type == contract.Numbers:
			return h.Give(name, []float64{})
		}
	}
	return h.give(name, written(value, row.Type == contract.Numbers))
}

// written is a value in JSON: what JSON has no word for is a string.
func written(value string, list bool) json.RawMessage {
	parts := strings.Split(value, ",")
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if !json.Valid([]byte(p)) || strings.HasPrefix(p, "{") {
			quoted, _ := json.Marshal(p) // a string always can be
			p = string(quoted)
		}
		parts[i] = p
	}
	if len(parts) > 1 || list {
		return json.RawMessage("[" + strings.Join(parts, ",") + "]")
	}
	return json.RawMessage(parts[0])
}
