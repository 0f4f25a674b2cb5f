package worker

import (
	"context"
	"encoding/json"

	"github.com/gopherpod/gopherpod/tensors"
)

// Protocol is the version of the contract that this package speaks. A request
// without one (0) is the predecessor's plain JSON, which goes on working.
const Protocol = 1

// An Operation is what a job asks for.
type Operation string

const (
	OpTrain        Operation = "train"        // epochs of training in one job, streamed
	OpTrainEpoch   Operation = "train_epoch"  // one epoch, the predecessor's request and response
	OpEvaluate     Operation = "evaluate"     // loss and metrics of a state on data
	OpPredict      Operation = "predict"      // outputs of a state for inputs
	OpGPUInfo      Operation = "gpu_info"     // device, memory, versions, a benchmark
	OpBenchmark    Operation = "benchmark"    // the benchmark alone, as the predecessor had it
	OpBatch        Operation = "batch"        // several requests in one job
	OpStore        Operation = "store"        // put data where workers can read it
	OpCapabilities Operation = "capabilities" // what this worker can do
	OpCollect      Operation = "collect"      // the events of a train job again, by its run_id: finished, or as far as it came before it was cancelled or failed; of another job its answer
)

// A Request is a job's input object. Fields that an operation does not use must
// be absent; unknown fields are refused by name.
type Request struct {
	Operation Operation `json:"operation"` // without a protocol: train_epoch if it is absent
	Protocol  int       `json:"protocol,omitempty"`
	// RunID is made by the client. A worker that sees it again, because the job
	// was delivered twice or sent again, continues or answers from what it has.
	RunID string `json:"run_id,omitempty"`

	// Tensors carries the arrays that Values below refer to by name.
	Tensors *Tensors `json:"tensors,omitempty"`

	Model           *ModelConfig     `json:"model_config,omitempty"`
	Hyperparameters *Hyperparameters `json:"hyperparameters,omitempty"`

	TrainingData   *Dataset `json:"training_data,omitempty"`   // train, train_epoch
	ValidationData *Dataset `json:"validation_data,omitempty"` // train; or Hyperparameters.ValidationSplit
	EvaluationData *Dataset `json:"evaluation_data,omitempty"` // evaluate
	InputData      *Dataset `json:"input_data,omitempty"`      // predict: features only; a bare list of rows is accepted too

	// ModelState and OptimizerState are base64 of safetensors, zstd-compressed or
	// not (the magic number decides). Names and shapes are PyTorch's state_dict's;
	// the optimizer's are "step" and "<parameter>.<slot>", e.g.
	// "0.weight.exp_avg". The text "sha256:<digest>" means the bytes in an array
	// of uint8 that the store holds; a worker keeps those of the states that it sent
	// last. A text of tensors.EncodeDelta means the state that it gives with the one
	// that the store holds under its first digest; the worker keeps that too.
	ModelState     string `json:"model_state,omitempty"`
	OptimizerState string `json:"optimizer_state,omitempty"`
	// StartEpoch is how many epochs the states have seen; it continues the
	// numbering, the shuffles and the schedule.
	StartEpoch int `json:"start_epoch,omitempty"`
	// StateDelta says that the answer may give the states as their differences to those
	// of the request (tensors.EncodeDelta), each if that is shorter.
	StateDelta bool `json:"state_delta,omitempty"` // train, train_epoch
	// TimeLimit is the number of seconds after which the service ends the job: its
	// executionTimeout, which RunPod does not report to the worker. The worker ends the training in time, see
	// TimeToAnswer, and answers with the weights so far. In a batch each training has what is
	// left of it. 0: no limit is known.
	TimeLimit float64 `json:"time_limit,omitempty"` // train, batch

	// Sources say where arrays that the store lacks can be read from, by digest.
	Sources map[string]Source `json:"sources,omitempty"`
	// Upload is where a result goes that is too large for an answer.
	Upload *Upload `json:"upload,omitempty"` // train, predict

	// Requests are the parts of a batch. They may refer to the batch's Tensors and
	// Sources.
	Requests []json.RawMessage `json:"requests,omitempty"`
	// Have asks the operation store which of these digests it holds.
	Have []string `json:"have,omitempty"`
	// Join asks it to put arrays together that came in parts.
	Join []Join `json:"join,omitempty"`
}

// A Join is an array too large for one request, which came as parts: arrays of
// uint8, stored before, whose bytes one after the other are its data. The answer
// names it under Have, or the parts that it lacks under Missing.
type Join struct {
	SHA256 string        `json:"sha256"` // of the whole, as tensors.Tensor.Digest
	DType  tensors.DType `json:"dtype"`
	Shape  []int         `json:"shape"`
	Parts  []string      `json:"parts"`
}

// Tensors is a map of name to {dtype, shape, data} as one base64 text.
// The codec is "msgpack" or "msgpack+zstd"; package tensors encodes and decodes
// the bytes in Data.
type Tensors struct {
	Codec string `json:"codec"`
	Data  string `json:"data"`
}

// A Dataset holds features [n, ...] and, except for predict, labels [n] or [n, k].
type Dataset struct {
	Features Value `json:"features"`
	Labels   Value `json:"labels,omitzero"`
}

// A Value is an array in one of four forms: a plain JSON list (the
// predecessor's), {"tensor": name}, {"sha256": digest} for data that the store
// holds, or {"url": address}. Exactly one is set.
type Value struct {
	List   json.RawMessage
	Tensor string
	SHA256 string
	URL    string
}

// A Handler runs one job, as a RunPod worker's handler does. Input is the job's
// input object. Each yield becomes one chunk of the job's stream; it blocks until
// the chunk is accepted, and its error ends the job. A nil output after at least
// one yield means the list of all yields (the SDK's
// return_aggregate_stream). An error becomes the job's error text; an *Error
// keeps its type. When ctx ends the handler stops within one batch and returns
// context.Cause(ctx).
type Handler func(ctx context.Context, job Job, yield func(chunk json.RawMessage) error) (output json.RawMessage, err error)

// A Job is what the queue hands to a worker.
type Job struct {
	ID    string          `json:"id"`
	Input json.RawMessage `json:"input"`
}
