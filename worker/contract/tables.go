package contract

import (
	"fmt"
	"slices"
	"strings"
)

// The workers.
const (
	WorkerEngine  = "engine"  // worker/engine, in Go, on the CPU
	WorkerPyTorch = "pytorch" // worker/pytorch
)

// A Name is a row of a table of words.
type Name struct {
	Name    string   `json:"name"`
	Workers []string `json:"workers"` // that support it
	Doc     string   `json:"doc"`
}

// Optimizers lists the optimizers, with the names of torch.optim.
func Optimizers() []Name {
	return []Name{
		{Name: "sgd", Workers: both, Doc: "Gradient descent, with momentum if asked for."},
		{Name: "adam", Workers: both, Doc: "Steps scaled by the mean and the square of past gradients."},
		{Name: "adamw", Workers: both, Doc: "Adam whose weight decay does not go through the gradient."},
		{Name: "rmsprop", Workers: both, Doc: "Steps scaled by the mean square of past gradients."},
		{Name: "adagrad", Workers: both, Doc: "Steps scaled by the sum of squares of past gradients."},
		{Name: "nadam", Workers: both, Doc: "Adam with Nesterov's momentum."},
		{Name: "lbfgs", Workers: gpu, Doc: "A quasi-Newton method for small models."},
	}
}

// A Loss is the row of a loss function.
type Loss struct {
	Name
	Task Task `json:"task"` // what its labels are
}

// Losses lists the loss functions. All are means, kl_div over the samples
// ("batchmean"). Labels that are not class numbers are floats of the output's
// shape, or [n] for an output of [n, 1].
func Losses() []Loss {
	loss := func(name string, task Task, workers []string, doc string) Loss {
		return Loss{Name{Name: name, Workers: workers, Doc: doc}, task}
	}
	return []Loss{
		loss("cross_entropy", TaskClasses, both, "For classes; the model gives one number for each class, before softmax."),
		loss("nll", TaskClasses, both, "For classes; the model gives log-probabilities (log_softmax)."),
		loss("mse", TaskNumbers, both, "The mean of the squared differences."),
		loss("l1", TaskNumbers, both, "The mean of the absolute differences."),
		loss("smooth_l1", TaskNumbers, both, "Quadratic up to delta, linear above, divided by delta."),
		loss("huber", TaskNumbers, both, "Quadratic up to delta, linear above."),
		loss("bce_with_logits", TaskLabels, both, "For yes or no; the model gives numbers before sigmoid, labels are 0 to 1."),
		loss("kl_div", TaskVectors, gpu, "The Kullback-Leibler divergence; the model gives log-probabilities."),
		loss("cosine", TaskVectors, gpu, "1 minus the cosine of the angle between output and label."),
	}
}

// TaskOf returns what the labels of a loss are; "" for an unknown one.
func TaskOf(loss string) Task {
	for _, l := range Losses() {
		if l.Name.Name == loss {
			return l.Task
		}
	}
	return ""
}

// Schedulers lists the schedulers. They count epochs and steps (batches) over all
// continuations.
func Schedulers() []Name {
	return []Name{
		{Name: "step", Workers: both, Doc: "The learning rate times gamma after every step_size epochs."},
		{Name: "cosine", Workers: both, Doc: "From learning_rate to eta_min along a cosine, over t_max epochs."},
		{Name: "one_cycle", Workers: both, Doc: "PyTorch's OneCycleLR up to max_lr, a step a batch; momentum is not cycled."},
		{Name: "plateau", Workers: both, Doc: "The learning rate times factor when the monitored loss has not fallen by 1e-4 of itself for more than patience epochs."},
		{Name: "warmup", Workers: both, Doc: "The learning rate times k/steps in step k, up to steps."},
	}
}

// Precisions lists the numbers that a model computes with.
func Precisions() []Name {
	return []Name{
		{Name: "auto", Workers: both, Doc: "tf32 on a GPU that has it, else fp32."},
		{Name: "fp32", Workers: both, Doc: "float32."},
		{Name: "tf32", Workers: gpu, Doc: "float32 whose products have 10 bits of fraction; on GPUs from Ampere on."},
		{Name: "bf16", Workers: gpu, Doc: "Mixed precision with bfloat16; on GPUs from Ampere on, and on CPUs."},
		{Name: "fp16", Workers: gpu, Doc: "Mixed precision with float16 and a scaled loss; on GPUs."},
	}
}

// Models lists the values of model_config.type.
func Models() []Name {
	return []Name{
		{Name: ModelSequential, Workers: both, Doc: "A list of layers; residual and branches are layers of it."},
		{Name: ModelGraph, Workers: gpu, Doc: "Named nodes, each with inputs and layers."},
		{Name: ModelPython, Workers: gpu, Doc: "A class as source, if the operator of the endpoint allows code."},
	}
}

// The values of model_config.type.
const (
	ModelSequential = "sequential"
	ModelGraph      = "graph"
	ModelPython     = "python"
)

// FeatureStateDelta is the feature of a worker that gives and takes states as differences.
const FeatureStateDelta = "state_delta"

// Features lists what a worker of the same protocol may lack.
func Features() []Name {
	return []Name{
		{Name: FeatureStateDelta, Workers: both, Doc: "Gives and takes states as differences to others."},
	}
}

// An Operation is what a job asks for. It may have operation, protocol and run_id
// besides the fields here.
type Operation struct {
	Name   string   `json:"name"`
	Needs  []string `json:"needs"`
	Allows []string `json:"allows"` // without those that it needs
	// SparedOld lists what a request of the predecessor, without a protocol, may lack of these.
	SparedOld []string `json:"spared_old,omitempty"`
	// Workers lists the workers that support it.
	Workers []string `json:"workers"`
	Doc     string   `json:"doc"`
}

// Operations lists the operations.
func Operations() []Operation {
	state := []string{"tensors", "hyperparameters", "sources"}
	with := func(more ...string) []string { return append(append([]string{}, state...), more...) }
	return []Operation{
		{"train", []string{"model_config", "training_data"}, with("validation_data", "model_state", "optimizer_state", "start_epoch", "state_delta", "upload", "time_limit"), nil, both, "Epochs of training in one job, streamed."},
		{"train_epoch", []string{"model_config", "training_data"}, with("model_state", "optimizer_state", "start_epoch", "state_delta"), nil, both, "One epoch; the predecessor's request and response."},
		{"evaluate", []string{"model_config", "evaluation_data", "model_state"}, with(), []string{"model_state", "evaluation_data.labels"}, both, "Loss and metrics of a state on data."},
		{"predict", []string{"model_config", "input_data", "model_state"}, with("upload"), []string{"model_state"}, both, "Outputs of a state for inputs."},
		{"gpu_info", []string{}, []string{}, nil, both, "Device, memory, versions, a benchmark."},
		{"benchmark", []string{}, []string{}, nil, both, "The benchmark of gpu_info alone; the predecessor's operation."},
		{"batch", []string{"requests"}, []string{"tensors", "sources", "time_limit"}, nil, both, "Several requests in one job."},
		{"store", []string{}, []string{"tensors", "have", "join"}, nil, both, "Puts data where workers can read it."},
		{"capabilities", []string{}, []string{}, nil, both, "What this worker can do."},
		{"collect", []string{"run_id"}, []string{}, nil, both, "The events of a train job, by its run_id: all of a finished one, or as far as one came that was cancelled or that failed. Of `evaluate`, `predict`, `train_epoch` and `batch` the answer."},
	}
}

// Limits bound what a request may hold.
type Limits struct {
	Protocol   int `json:"protocol"`    // the newest version; 0 is plain JSON without one
	RunID      int `json:"run_id"`      // characters
	StartEpoch int `json:"start_epoch"` // the largest
	Sources    int `json:"sources"`     // in a request
	Requests   int `json:"requests"`    // in a batch
	Layers     int `json:"layers"`      // in a list, and in a model
	Depth      int `json:"depth"`       // of residuals and branches within each other
	Size       int `json:"size"`        // largest number among a layer's parameters, and its negative
	Numbers    int `json:"numbers"`     // in a list of a layer's parameter
	List       int `json:"list"`        // numbers in a hyperparameter
	Address    int `json:"address"`     // characters of a URL
	ObjectName int `json:"object_name"` // characters of an upload's name
	TimeLimit  int `json:"time_limit"`  // seconds, the largest
}

// Bounds returns the limits.
func Bounds() Limits {
	return Limits{Protocol: 1, RunID: 128, StartEpoch: 1e9, Sources: 1000, Requests: 1000, Layers: 10_000, Depth: 16, Size: 1 << 31, Numbers: 16, List: 1 << 20, Address: 8192, ObjectName: 200, TimeLimit: 1e9}
}

// RefusedPickle says why a state is refused, a bare pickle or one in a zip file, as torch.save
// writes it, and which Python expression converts it.
func RefusedPickle(zip bool) string {
	load := "pickle.loads(base64.b64decode(state))"
	if zip {
		load = "torch.load(io.BytesIO(base64.b64decode(state)))"
	}
	return "this is a pickle, which is not read because it can run code; convert it where you trust it: base64.b64encode(safetensors.torch.save(" + load + ")).decode()"
}

// NotUsed says that by does not use a value, and what does.
func NotUsed(by string, users []string) string {
	if len(users) == 1 {
		return fmt.Sprintf("%s does not use it; %s does", by, users[0])
	}
	last := len(users) - 1
	return fmt.Sprintf("%s does not use it; %s and %s do", by, strings.Join(users[:last], ", "), users[last])
}

// OptimizerNames lists the names of the optimizers.
func OptimizerNames() []string { return names(Optimizers()) }

// LossNames lists the names of the losses.
func LossNames() []string {
	var all []string
	for _, l := range Losses() {
		all = append(all, l.Name.Name)
	}
	return all
}

// SchedulerNames lists the names of the schedulers.
func SchedulerNames() []string { return names(Schedulers()) }

// PrecisionNames lists the names of the precisions.
func PrecisionNames() []string { return names(Precisions()) }

// Support is what one worker supports: what it answers to capabilities, as far as that
// depends on no machine.
type Support struct {
	Operations, Layers, Models, Optimizers, Losses, Schedulers, Precisions, Features []string
}

// SupportOf lists what a worker supports. Precisions are those that it computes with:
// auto, which leaves the choice to it, is none.
func SupportOf(worker string) Support {
	var s Support
	take := func(list *[]string, name string, workers []string) {
		if slices.Contains(workers, worker) {
			*list = append(*list, name)
		}
	}
	for _, o := range Operations() {
		take(&s.Operations, o.Name, o.Workers)
	}
	for _, l := range Layers() {
		take(&s.Layers, l.Name, l.Workers)
	}
	for _, l := range Losses() {
		take(&s.Losses, l.Name.Name, l.Workers)
	}
	for _, table := range []struct {
		list *[]string
		rows []Name
	}{
		{&s.Models, Models()}, {&s.Optimizers, Optimizers()}, {&s.Schedulers, Schedulers()}, {&s.Precisions, Precisions()[1:]}, {&s.Features, Features()},
	} {
		for _, row := range table.rows {
			take(table.list, row.Name, row.Workers)
		}
	}
	return s
}

func names(rows []Name) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.Name
	}
	return all
}
