package worker

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// Hyperparameters say how to train. Names are PyTorch's and the predecessor's;
// the zero value of a field means the default that stands on it.
//
// One seed gives the same start on every worker, and 5+5 epochs are 10: all
// random numbers are those of PyTorch's CPU generator (MT19937), each stream
// from a generator seeded for it.
//
//	seed      the validation split: p = randperm(n), the last part of p held out,
//	          the others in the order of p are the training samples 0, 1, 2, ...
//	seed      the weights, layer after layer
//	seed + e  the order of the training samples in epoch e, counted from 1 over all
//	          continuations: randperm where shuffle is on, else 0, 1, 2, ...
//	seed + e  the dropout masks of epoch e, as the forward passes go
//
// The last batch of an epoch may be smaller. An epoch's loss is the mean of the
// batch losses, weighted by batch size.
type Hyperparameters struct {
	Optimizer    string  `json:"optimizer,omitempty"`     // see Optimizers; "adam"
	LearningRate float64 `json:"learning_rate,omitempty"` // 0.001; sgd, rmsprop and adagrad 0.01, nadam 0.002, lbfgs 1
	LossFunction string  `json:"loss_function,omitempty"` // see Losses; "cross_entropy"

	Epochs    int    `json:"epochs,omitempty"`     // 1; how many this job adds
	BatchSize int    `json:"batch_size,omitempty"` // 32; train_epoch: all samples, as before
	Shuffle   *bool  `json:"shuffle,omitempty"`    // true
	Seed      *int64 `json:"seed,omitempty"`       // drawn by the client, never by the worker; a worker takes absence as 0

	// ValidationSplit holds out the last floor(n*split) samples, at least one, of
	// a seeded shuffle, 0 to 1.
	ValidationSplit float64 `json:"validation_split,omitempty"`

	WeightDecay float64     `json:"weight_decay,omitempty"` // 0; adamw 0.01
	Momentum    float64     `json:"momentum,omitempty"`     // 0 (sgd, rmsprop)
	Nesterov    bool        `json:"nesterov,omitempty"`     // sgd with momentum
	Betas       *[2]float64 `json:"betas,omitempty"`        // [0.9, 0.999] (adam, adamw, nadam)
	Alpha       float64     `json:"alpha,omitempty"`        // 0.99 (rmsprop)
	Eps         float64     `json:"eps,omitempty"`          // 1e-8; adagrad 1e-10

	Scheduler      *Scheduler     `json:"scheduler,omitempty"`
	EarlyStopping  *EarlyStopping `json:"early_stopping,omitempty"`
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
}

// A Checkpoint says when a worker saves a running training to its volume:
// whichever comes first. 0 is never.
type Checkpoint struct {
	Epochs  int     `json:"epochs,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // 60 where there is no Checkpoint
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
}

// EarlyStopping ends training when the monitored value has not fallen by
// MinDelta for Patience epochs, and keeps the best state.
type EarlyStopping struct {
	Patience int     `json:"patience"` // 1 or more
	MinDelta float64 `json:"min_delta,omitempty"`
	Monitor  string  `json:"monitor,omitempty"` // "val_loss" where there is validation, else "loss"
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
func Precisions() []string { return []string{"auto", "fp32", "tf32", "bf16", "fp16"} }

// ClassLabels reports whether the labels of a loss are class numbers.
func ClassLabels(loss string) bool { return loss == "cross_entropy" || loss == "nll" }

// WithDefaults returns a copy in which every field has its value; nil gives all
// defaults. BatchSize stays 0 for train_epoch: all samples.
func (h *Hyperparameters) WithDefaults(op Operation) *Hyperparameters {
	var c Hyperparameters
	if h != nil {
		c = *h
	}
	set(&c.Optimizer, "adam")
	set(&c.LossFunction, "cross_entropy")
	set(&c.Epochs, 1)
	set(&c.Precision, "auto")
	set(&c.Alpha, 0.99)
	set(&c.Delta, 1)
	set(&c.MaxIter, 20)
	rates := map[string]float64{"sgd": 0.01, "rmsprop": 0.01, "adagrad": 0.01, "nadam": 0.002, "lbfgs": 1}
	set(&c.LearningRate, rates[c.Optimizer])
	set(&c.LearningRate, 0.001)
	if c.Optimizer == "adagrad" {
		set(&c.Eps, 1e-10)
	}
	set(&c.Eps, 1e-8)
	if c.Optimizer == "adamw" {
		set(&c.WeightDecay, 0.01)
	}
	if op != OpTrainEpoch {
		set(&c.BatchSize, 32)
	}
	if c.Shuffle == nil {
		on := true
		c.Shuffle = &on
	}
	if c.Seed == nil {
		c.Seed = new(int64)
	}
	if c.Betas == nil {
		c.Betas = &[2]float64{0.9, 0.999}
	}
	return &c
}

func set[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

// Validate refuses unknown names, with the nearest, and numbers out of range.
// Fields are relative: "optimizer", "scheduler.type".
func (h *Hyperparameters) Validate() error {
	if h == nil {
		return nil
	}
	names := []struct {
		field, value string
		known        []string
	}{
		{"optimizer", h.Optimizer, Optimizers()},
		{"loss_function", h.LossFunction, Losses()},
		{"precision", h.Precision, Precisions()},
		{"on_oom", h.OnOOM, []string{"error", "halve"}},
		{"accelerate", h.Accelerate, []string{"auto", "off", "graph", "compile"}},
	}
	for _, n := range names {
		if n.value != "" && !slices.Contains(n.known, n.value) {
			return Invalid(n.field, fmt.Sprintf("unknown %s %q%s", strings.ReplaceAll(n.field, "_", " "), clip(n.value), didYouMean(n.value, n.known)))
		}
	}
	if err := h.ranges(); err != nil {
		return err
	}
	if h.Nesterov && (h.Momentum == 0 || h.Dampening != 0) {
		return Invalid("nesterov", "wants a momentum above 0 and no dampening")
	}
	loss := h.WithDefaults(OpTrain).LossFunction
	if len(h.ClassWeights) > 0 && !ClassLabels(loss) {
		return Invalid("class_weights", loss+" has no classes")
	}
	if h.LabelSmoothing > 0 && loss != "cross_entropy" {
		return Invalid("label_smoothing", "only cross_entropy has it")
	}
	if err := validGPUs(h.GPUs); err != nil {
		return err
	}
	for i, w := range h.ClassWeights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return Invalid(fmt.Sprintf("class_weights[%d]", i), fmt.Sprintf("is %v, wants 0 or more", w))
		}
	}
	if err := h.Scheduler.validate(); err != nil {
		return at("scheduler", err)
	}
	return at("early_stopping", h.EarlyStopping.validate())
}

func validGPUs(raw json.RawMessage) error {
	if raw == nil || string(raw) == `"all"` {
		return nil
	}
	if n, err := decodeInt(raw); err != nil || n < 1 || n > 64 {
		return Invalid("gpus", fmt.Sprintf("is %s, wants 1 to 64, or \"all\"", clip(string(raw))))
	}
	return nil
}

func (h *Hyperparameters) ranges() error {
	b := h.Betas
	if b == nil {
		b = &[2]float64{}
	}
	return inRanges([]bound{
		{"learning_rate", h.LearningRate, 0, math.MaxFloat32}, {"epochs", float64(h.Epochs), 0, 1e9},
		{"batch_size", float64(h.BatchSize), 0, 1e12}, {"validation_split", h.ValidationSplit, 0, 0.999},
		{"weight_decay", h.WeightDecay, 0, math.MaxFloat32}, {"momentum", h.Momentum, 0, math.MaxFloat32},
		{"betas[0]", b[0], 0, 0.9999999}, {"betas[1]", b[1], 0, 0.9999999},
		{"alpha", h.Alpha, 0, 1}, {"eps", h.Eps, 0, math.MaxFloat32}, {"clip_norm", h.ClipNorm, 0, math.MaxFloat64},
		{"label_smoothing", h.LabelSmoothing, 0, 1}, {"delta", h.Delta, 0, math.MaxFloat32},
		{"clip_value", h.ClipValue, 0, math.MaxFloat32}, {"dampening", h.Dampening, 0, math.MaxFloat32},
		{"max_iter", float64(h.MaxIter), 0, 1e6}, {"top_k", float64(h.TopK), 0, 1e6},
	})
}

func (s *Scheduler) validate() error {
	if s == nil {
		return nil
	}
	if !slices.Contains(Schedulers(), s.Type) {
		return Invalid("type", fmt.Sprintf("unknown scheduler %q%s", clip(s.Type), didYouMean(s.Type, Schedulers())))
	}
	return inRanges([]bound{
		{"step_size", float64(s.StepSize), 0, 1e12}, {"gamma", s.Gamma, 0, math.MaxFloat32}, {"t_max", float64(s.TMax), 0, 1e12},
		{"eta_min", s.EtaMin, 0, math.MaxFloat32}, {"max_lr", s.MaxLR, 0, math.MaxFloat32}, {"factor", s.Factor, 0, 0.999999},
		{"patience", float64(s.Patience), 0, 1e12}, {"steps", float64(s.Steps), 0, 1e12},
	})
}

func (s *EarlyStopping) validate() error {
	if s == nil {
		return nil
	}
	if m := []string{"", "loss", "val_loss"}; !slices.Contains(m, s.Monitor) {
		return Invalid("monitor", fmt.Sprintf("unknown value to monitor %q%s", clip(s.Monitor), didYouMean(s.Monitor, m[1:])))
	}
	return inRanges([]bound{{"patience", float64(s.Patience), 1, 1e12}, {"min_delta", s.MinDelta, 0, math.MaxFloat64}})
}

type bound struct {
	field           string
	value, from, to float64
}

func inRanges(bounds []bound) error {
	for _, b := range bounds {
		if !(b.value >= b.from && b.value <= b.to) { // also NaN
			return Invalid(b.field, fmt.Sprintf("is %v, wants %v to %v", b.value, b.from, b.to))
		}
	}
	return nil
}

// UnmarshalJSON refuses unknown fields by name.
func (h *Hyperparameters) UnmarshalJSON(raw []byte) error {
	type bare Hyperparameters
	return strictStruct(raw, "hyperparameters", (*bare)(h))
}

// UnmarshalJSON refuses unknown fields by name.
func (s *Scheduler) UnmarshalJSON(raw []byte) error {
	type bare Scheduler
	return strictStruct(raw, "scheduler", (*bare)(s))
}

// UnmarshalJSON refuses unknown fields by name.
func (s *EarlyStopping) UnmarshalJSON(raw []byte) error {
	type bare EarlyStopping
	return strictStruct(raw, "early_stopping", (*bare)(s))
}

// UnmarshalJSON refuses unknown fields by name.
func (c *Checkpoint) UnmarshalJSON(raw []byte) error {
	type bare Checkpoint
	return strictStruct(raw, "checkpoint", (*bare)(c))
}

// strictStruct decodes an object field by field into the struct that v points
// to, whose json tags are all the fields there are.
func strictStruct(raw []byte, what string, v any) error {
	target := reflect.ValueOf(v).Elem()
	names := jsonNames(target.Type())
	fields, err := object(raw, what, names)
	if err != nil {
		return err
	}
	for i, name := range names {
		if value, ok := fields[name]; ok {
			if err := plain(value, target.Field(i).Addr().Interface()); err != nil {
				return at(name, err)
			}
		}
	}
	return nil
}

func jsonNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// Set gives the field with that JSON name a value as people write it: a number, a
// word, or several with commas between, as in class_weights 1,2,0.5; a dot leads into
// an object, as in checkpoint.epochs. A field that does not exist, or wants something
// else, is an ErrInvalid there.
func (h *Hyperparameters) Set(name, value string) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return Invalid(name, err.Error())
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return Invalid(name, err.Error())
	}
	outer, inner, deep := strings.Cut(name, ".")
	text := written(value, outer == "class_weights" || outer == "betas")
	if deep {
		object := map[string]json.RawMessage{}
		if fields[outer] != nil {
			if err := json.Unmarshal(fields[outer], &object); err != nil {
				return Invalid(name, outer+" has no fields")
			}
		}
		object[inner] = text
		if text, err = json.Marshal(object); err != nil {
			return Invalid(name, err.Error())
		}
	}
	fields[outer] = text
	if raw, err = json.Marshal(fields); err != nil {
		return Invalid(name, err.Error())
	}
	var set Hyperparameters
	if err := set.UnmarshalJSON(raw); err != nil {
		return err
	}
	*h = set
	return nil
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
