package contract

// The workers.
const (
	WorkerEngine  = "engine"  // worker/engine, in Go, on the CPU
	WorkerPyTorch = "pytorch" // worker/pytorch
)

// A Name is a row of a table of words.
type Name struct {
	Name    string   `json:"name"`
	Workers []string `json:"workers"` // that support it
	// ClassLabels says of a loss that its labels are class numbers.
	ClassLabels bool `json:"class_labels,omitempty"`
	// Binary says of a loss that each output decides between 0 and 1, its label.
	Binary bool   `json:"binary,omitempty"`
	Doc    string `json:"doc"`
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

// Losses lists the loss functions. All are means, kl_div over the samples
// ("batchmean"). Labels that are not class numbers are floats of the output's
// shape, or [n] for an output of [n, 1].
func Losses() []Name {
	return []Name{
		{Name: "cross_entropy", Workers: both, ClassLabels: true, Doc: "For classes; the model gives one number for each class, before softmax."},
		{Name: "nll", Workers: both, ClassLabels: true, Doc: "For classes; the model gives log-probabilities (log_softmax)."},
		{Name: "mse", Workers: both, Doc: "The mean of the squared differences."},
		{Name: "l1", Workers: both, Doc: "The mean of the absolute differences."},
		{Name: "smooth_l1", Workers: both, Doc: "Quadratic up to delta, linear above, divided by delta."},
		{Name: "huber", Workers: both, Doc: "Quadratic up to delta, linear above."},
		{Name: "bce_with_logits", Workers: both, Binary: true, Doc: "For yes or no; the model gives numbers before sigmoid, labels are 0 to 1."},
		{Name: "kl_div", Workers: gpu, Doc: "The Kullback-Leibler divergence; the model gives log-probabilities."},
		{Name: "cosine", Workers: gpu, Doc: "1 minus the cosine of the angle between output and label."},
	}
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

// An Operation is what a job asks for. It may have operation, protocol and run_id
// besides the fields here.
type Operation struct {
	Name   string   `json:"name"`
	Needs  []string `json:"needs"`
	Allows []string `json:"allows"` // without those that it needs
	Doc    string   `json:"doc"`
}

// Operations lists the operations.
func Operations() []Operation {
	state := []string{"tensors", "hyperparameters", "sources"}
	with := func(more ...string) []string { return append(append([]string{}, state...), more...) }
	return []Operation{
		{"train", []string{"model_config", "training_data"}, with("validation_data", "model_state", "optimizer_state", "start_epoch", "state_delta", "upload", "time_limit"), "Epochs of training in one job, streamed."},
		{"train_epoch", []string{"model_config", "training_data"}, with("model_state", "optimizer_state", "start_epoch", "state_delta"), "One epoch; the predecessor's request and response."},
		{"evaluate", []string{"model_config", "evaluation_data", "model_state"}, with(), "Loss and metrics of a state on data."},
		{"predict", []string{"model_config", "input_data", "model_state"}, with("upload"), "Outputs of a state for inputs."},
		{"gpu_info", []string{}, []string{}, "Device, memory, versions, a benchmark."},
		{"batch", []string{"requests"}, []string{"tensors", "sources"}, "Several requests in one job."},
		{"store", []string{}, []string{"tensors", "have", "join"}, "Puts data where workers can read it."},
		{"capabilities", []string{}, []string{}, "What this worker can do."},
		{"collect", []string{"run_id"}, []string{}, "The events of a train job, by its run_id: all of a finished one, or as far as one came that was cancelled or that failed."},
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

// OptimizerNames lists the names of the optimizers.
func OptimizerNames() []string { return names(Optimizers()) }

// LossNames lists the names of the losses.
func LossNames() []string { return names(Losses()) }

// SchedulerNames lists the names of the schedulers.
func SchedulerNames() []string { return names(Schedulers()) }

func names(rows []Name) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.Name
	}
	return all
}
