package worker

import (
	"encoding/json"
	"reflect"
	"time"
)

// MaxChunk is the largest stream chunk that a worker sends, in bytes of JSON.
// RunPod splits chunks above 1 MB; the rest is room for the envelope.
const MaxChunk = 900_000

// MaxOutput is the largest final output of a job that a worker sends, in bytes of JSON:
// RunPod refuses one above 20 MB.
const MaxOutput = 18_000_000

// An EventType is the kind of an Event.
type EventType string

const (
	EventEpoch      EventType = "epoch"      // an epoch is over: Epoch is set
	EventBatch      EventType = "batch"      // progress inside an epoch: Batch is set; may be left out or coalesced
	EventLog        EventType = "log"        // a line for the person: Message is set
	EventCheckpoint EventType = "checkpoint" // a checkpoint was written: Message names it
	EventPart       EventType = "part"       // a piece of a value that is larger than a chunk: Part is set
	EventDone       EventType = "done"       // the last event: Result is set
)

// An Event is one chunk of a training job's stream. Seq grows by one from 0
// within a run, so that a lost or repeated chunk shows. The job's final output
// is the list of all its events (batch events may be missing there), so that a
// lost stream loses nothing.
type Event struct {
	Type    EventType    `json:"type"`
	RunID   string       `json:"run_id"`
	Seq     int          `json:"seq"`
	Epoch   *Epoch       `json:"epoch,omitempty"`
	Batch   *Batch       `json:"batch,omitempty"`
	Part    *Part        `json:"part,omitempty"`
	Message string       `json:"message,omitempty"`
	Result  *TrainResult `json:"result,omitempty"`
}

// An Epoch is the record of one epoch: the mean training loss over its samples
// as they were seen, and validation after it.
type Epoch struct {
	Epoch        int     `json:"epoch"`  // counted from 1, over all continuations
	Epochs       int     `json:"epochs"` // the last epoch of the training
	Loss         Number  `json:"loss"`
	Accuracy     *Number `json:"accuracy,omitempty"` // classification only, 0 to 1
	ValLoss      *Number `json:"val_loss,omitempty"`
	ValAccuracy  *Number `json:"val_accuracy,omitempty"`
	LearningRate Number  `json:"learning_rate"`
	Seconds      Number  `json:"seconds"` // wall time of the epoch, validation included
	Samples      int     `json:"samples"` // training samples seen in the epoch
	// Custom and ValCustom are what the function metrics of a Python model measured: on the
	// validation data if there is any, else the mean over the training batches.
	Custom    map[string]Number `json:"custom,omitempty"`
	ValCustom map[string]Number `json:"val_custom,omitempty"`
}

// A Batch is the progress inside the running epoch.
type Batch struct {
	Epoch   int    `json:"epoch"`
	Batch   int    `json:"batch"` // counted from 1
	Batches int    `json:"batches"`
	Loss    Number `json:"loss"` // mean since the epoch began
}

// A Part is piece Index of Count of the text called Name (a field of
// TrainResult: "model_state", "optimizer_state" or "answer").
type Part struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
	Count int    `json:"count"`
	Data  string `json:"data"`
}

// A TrainResult is what a train job leaves. A state or an answer that does not fit in a
// chunk is sent in parts before; the field is then empty and Parts names it with
// the number of its parts.
type TrainResult struct {
	Operation Operation `json:"operation"`
	Status    string    `json:"status"` // "success", or "stopped" if the training ended early; Stopped says why
	RunID     string    `json:"run_id"`
	// History is left out if it is too long for a chunk; the epoch events have it.
	History []Epoch `json:"history,omitempty"`
	// Model is the model as it was trained: sizes filled in.
	Model *ModelConfig `json:"model_config"`
	// ModelState and OptimizerState are as in Request, or differences to the states of the
	// request if it had StateDelta.
	ModelState     string         `json:"model_state,omitempty"`
	OptimizerState string         `json:"optimizer_state,omitempty"`
	Parts          map[string]int `json:"parts,omitempty"`
	// Uploaded holds the states if Request.Upload asked for it.
	Uploaded   *Uploaded `json:"uploaded,omitempty"`
	Parameters int       `json:"parameters"`       // trainable numbers
	Output     []int     `json:"output,omitempty"` // shape of an output, if only the worker knows it: of a Python model
	Device     string    `json:"device_used"`
	Precision  string    `json:"precision"`
	Seconds    Number    `json:"seconds"`           // wall time of the training, without transport
	Stopped    string    `json:"stopped,omitempty"` // why, if Status is "stopped"; see StoppedAtLimit
	// Weights says what ModelState holds; nil: the weights after the last of History.
	Weights *Weights `json:"weights,omitempty"`
	// Seed is what was drawn for a request without protocol and seed.
	Seed *int64 `json:"seed,omitempty"`
	// Answer is base64 of the JSON of the answer of a job that does not train, if collect asked for one:
	// evaluate, predict, train_epoch, batch.
	Answer string `json:"answer,omitempty"`
	// Features are those of Capabilities, so that a client that goes on from the result need not ask.
	Features []string `json:"features,omitempty"`
}

// Texts of TrainResult.Stopped that programs compare; others are for people.
const (
	StoppedAtLimit     = "time limit"  // Request.TimeLimit
	StoppedInterrupted = "interrupted" // in a collected result: the job was cancelled
	StoppedFailed      = "failed"      // in a collected result: the job's error says why
)

// Weights say when in a training a state was taken.
type Weights struct {
	Epoch int `json:"epoch"`           // the last epoch that they have seen to its end
	Batch int `json:"batch,omitempty"` // batches of the next epoch that they have seen besides
	// Best is the loss by which the epoch was chosen, "val_loss" or "loss"; "": the
	// weights are the last ones.
	Best string `json:"best,omitempty"`
}

// TimeToAnswer returns how long before the end of its time limit a worker ends a training,
// so that its states, of that many bytes as text, reach the service: a second, 2 % of the
// limit, and the time that the states take at 5 MB/s; half the limit at most.
func TimeToAnswer(limit time.Duration, states int) time.Duration {
	const perSecond = 5_000_000
	return min(time.Second+limit/50+time.Duration(float64(states)/perSecond*float64(time.Second)), limit/2)
}

// Metrics is the predecessor's metrics object, widened.
type Metrics struct {
	Loss             Number  `json:"loss"`
	Accuracy         *Number `json:"accuracy,omitempty"`
	SamplesProcessed int     `json:"samples_processed"`
	DeviceUsed       string  `json:"device_used"`
	// CUDAAvailable is in the answers to requests without a protocol.
	CUDAAvailable *bool `json:"cuda_available,omitempty"`

	// Classification, in evaluate: one entry a class; Confusion[true][predicted]. If a
	// sample has several labels, each 0 or 1, one entry a label and no Confusion.
	PerClass  []ClassMetrics `json:"per_class,omitempty"`
	Confusion [][]int        `json:"confusion,omitempty"`
	// ExactMatch is the share of samples whose several labels are all right.
	ExactMatch *Number `json:"exact_match,omitempty"`
	AUC        *Number `json:"auc,omitempty"`            // of several classes, the mean of one against the rest
	TopK       *Number `json:"top_k_accuracy,omitempty"` // if hyperparameters.top_k asks for it
	// Regression, in evaluate.
	MAE  *Number `json:"mae,omitempty"`
	RMSE *Number `json:"rmse,omitempty"`
	R2   *Number `json:"r2,omitempty"`
	// Custom is what the function metrics of a Python model measured.
	Custom map[string]Number `json:"custom,omitempty"`
}

// ClassMetrics are precision, recall and F1 of one class; a quotient without
// denominator is 0, as in scikit-learn.
type ClassMetrics struct {
	Class     int    `json:"class"`
	Precision Number `json:"precision"`
	Recall    Number `json:"recall"`
	F1        Number `json:"f1"`
	Support   int    `json:"support"`
}

// A Response answers all operations but train: the predecessor's fields, and
// Tensors if the request asked by protocol 1.
type Response struct {
	Operation      Operation `json:"operation"`
	Status         string    `json:"status"` // "success"
	Metrics        *Metrics  `json:"metrics,omitempty"`
	ModelState     string    `json:"model_state,omitempty"` // train_epoch
	OptimizerState string    `json:"optimizer_state,omitempty"`
	// Seed is what was drawn for a request without a protocol that needs one and has none:
	// train_epoch, and an evaluate or predict without a state.
	Seed *int64 `json:"seed,omitempty"`
	// Warning says what makes such an answer worth little.
	Warning string `json:"warning,omitempty"`
	// Predictions is a list of class numbers or, if the model is no classifier, of outputs
	// (protocol 0), or {"tensor": "predictions"} with Tensors (protocol 1).
	Predictions      json.RawMessage `json:"predictions,omitempty"`
	Tensors          *Tensors        `json:"tensors,omitempty"`
	Uploaded         *Uploaded       `json:"uploaded,omitempty"` // predict: the predictions, if Request.Upload asked for it
	GPUInfo          map[string]any  `json:"gpu_info,omitempty"`
	BenchmarkResults map[string]any  `json:"benchmark_results,omitempty"`

	// batch: an answer for each request, in order; a part that failed is
	// {"status": "error", "failure": Error}, and of a train only the result.
	Results []json.RawMessage `json:"results,omitempty"`

	// store: digest by name, and which of Request.Have and Request.Join are there.
	Stored  map[string]string `json:"stored,omitempty"`
	Have    []string          `json:"have,omitempty"`
	Missing []string          `json:"missing,omitempty"`

	*Capabilities
}

// Value returns the metric with that name in package contract; nil if it is not there.
func (m *Metrics) Value(name string) *Number { return numberOf(m, name) }

// Value returns the metric with that name in package contract, of the training data, or
// with "val_" before it of the validation data; nil if it is not there.
func (e *Epoch) Value(name string) *Number { return numberOf(e, name) }

// numberOf is the Number of a struct with that JSON name.
func numberOf(p any, name string) *Number {
	v := reflect.ValueOf(p).Elem()
	if i := fieldOf(v.Type(), name); i >= 0 {
		switch n := v.Field(i).Addr().Interface().(type) {
		case *Number:
			return n
		case **Number:
			return *n
		}
	}
	return nil
}

// Capabilities answer the operation of that name: what this worker can do.
type Capabilities struct {
	Protocols  []int       `json:"protocols"`
	Operations []Operation `json:"operations"`
	Layers     []string    `json:"layers"`
	Models     []string    `json:"models"` // values of model_config.type
	Losses     []string    `json:"losses"`
	Optimizers []string    `json:"optimizers"`
	Schedulers []string    `json:"schedulers"`
	Precisions []string    `json:"precisions"`
	// Devices is the number of GPUs.
	Devices  int   `json:"devices"`
	MaxBytes int64 `json:"max_bytes"` // of decoded arrays in a request
	// Features are those of package contract: what a worker of the same protocol may lack.
	Features []string          `json:"features,omitempty"`
	Versions map[string]string `json:"versions"`
	// VolumeProblem says why the worker does not use its network volume, if it has one.
	VolumeProblem string `json:"volume_problem,omitempty"`
}
