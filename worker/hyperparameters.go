package worker

// Hyperparameters say how to train. Names are PyTorch's and the predecessor's;
// the zero value of a field means the default that stands on it.
type Hyperparameters struct {
	Optimizer    string  `json:"optimizer,omitempty"`     // "adam" (default), "sgd", "adamw"
	LearningRate float64 `json:"learning_rate,omitempty"` // 0.001; sgd 0.01
	LossFunction string  `json:"loss_function,omitempty"` // "cross_entropy" (default), "mse", "bce_with_logits"

	Epochs    int    `json:"epochs,omitempty"`     // 1
	BatchSize int    `json:"batch_size,omitempty"` // 32; train_epoch: all samples, as before
	Shuffle   *bool  `json:"shuffle,omitempty"`    // true
	Seed      *int64 `json:"seed,omitempty"`       // absent: drawn by the client, never by the worker

	// ValidationSplit holds out the last fraction of a seeded shuffle, 0 to 1.
	ValidationSplit float64 `json:"validation_split,omitempty"`

	WeightDecay float64     `json:"weight_decay,omitempty"` // 0; adamw 0.01
	Momentum    float64     `json:"momentum,omitempty"`     // 0 (sgd)
	Nesterov    bool        `json:"nesterov,omitempty"`
	Betas       *[2]float64 `json:"betas,omitempty"` // [0.9, 0.999]
	Eps         float64     `json:"eps,omitempty"`   // 1e-8

	Scheduler      *Scheduler     `json:"scheduler,omitempty"`
	EarlyStopping  *EarlyStopping `json:"early_stopping,omitempty"`
	Precision      string         `json:"precision,omitempty"` // "auto", "fp32", "tf32", "bf16", "fp16"
	ClipNorm       float64        `json:"clip_norm,omitempty"` // 0: none; largest total norm of the gradient
	ClassWeights   []float64      `json:"class_weights,omitempty"`
	LabelSmoothing float64        `json:"label_smoothing,omitempty"`
}

// A Scheduler changes the learning rate: "step" (step_size, gamma), "cosine"
// (t_max, eta_min), "one_cycle" (max_lr), "plateau" (factor, patience),
// "warmup" (steps).
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
	Patience int     `json:"patience"`
	MinDelta float64 `json:"min_delta,omitempty"`
	Monitor  string  `json:"monitor,omitempty"` // "val_loss" where there is validation, else "loss"
}
