package contract

import (
	"math"
	"slices"
)

// A Task is what the labels of a loss are: it decides which metrics a training has.
type Task string

// The tasks.
const (
	TaskClasses Task = "classes" // one class number a sample
	TaskLabels  Task = "labels"  // yes or no, once or several times a sample
	TaskNumbers Task = "numbers" // numbers
	TaskVectors Task = "vectors" // vectors that are compared as a whole: probabilities, directions
)

// Tasks lists the tasks.
func Tasks() []Task { return []Task{TaskClasses, TaskLabels, TaskNumbers, TaskVectors} }

// A Metric is a figure of how good a model is.
type Metric struct {
	// Name is its key in the answer of an evaluation; the record of an epoch has the
	// figure of the validation data under "val_" and the name.
	Name  string `json:"name"`
	Title string `json:"title"` // for tables: "AUC"
	// Several is the title if a sample has several labels; "": Title.
	Several string `json:"several,omitempty"`
	Best    string `json:"best"`  // BestMin or BestMax
	Tasks   []Task `json:"tasks"` // that have it
	// Epochs says that the record of each epoch has it too.
	Epochs bool `json:"epochs,omitempty"`
	// PerClass says that each class, or each label, has it, and not the whole.
	PerClass bool `json:"per_class,omitempty"`
	Share    bool `json:"share,omitempty"` // 0 to 1, shown in percent
	// Ranks lists the tasks whose models are compared by it if their losses measure
	// different things.
	Ranks []Task `json:"ranks,omitempty"`
	Doc   string `json:"doc"`
}

// Which values of a metric are good.
const (
	BestMin = "min"
	BestMax = "max"
)

// Names of metrics that code needs.
const (
	MetricLoss     = "loss"
	MetricAccuracy = "accuracy"
	MetricAUC      = "auc"
)

// Metrics lists the metrics.
func Metrics() []Metric {
	decides := []Task{TaskClasses, TaskLabels}
	measures := []Task{TaskNumbers, TaskVectors}
	return []Metric{
		{Name: MetricLoss, Title: "loss", Best: BestMin, Tasks: Tasks(), Epochs: true, Doc: "What the loss function measures, the mean over the samples."},
		{Name: MetricAccuracy, Title: "accuracy", Several: "right labels", Best: BestMax, Tasks: decides, Epochs: true, Share: true, Ranks: decides, Doc: "The share of samples whose class is right; of several labels a sample, the share of right labels."},
		{Name: "exact_match", Title: "exact match", Several: "samples with all labels right", Best: BestMax, Tasks: []Task{TaskLabels}, Share: true, Doc: "The share of samples whose labels are all right; of several labels a sample."},
		{Name: MetricAUC, Title: "AUC", Several: "AUC, mean of the labels", Best: BestMax, Tasks: decides, Doc: "The area under the ROC curve; of several classes the mean of one against the rest, of several labels their mean. Up to 1000 classes."},
		{Name: "top_k_accuracy", Title: "top-k accuracy", Best: BestMax, Tasks: []Task{TaskClasses}, Share: true, Doc: "The share of samples whose class is among the k best; with the hyperparameter top_k."},
		{Name: "precision", Title: "precision", Best: BestMax, Tasks: decides, PerClass: true, Share: true, Doc: "The share of the samples said to be of the class that are. Up to 2000 classes, as recall and f1."},
		{Name: "recall", Title: "recall", Best: BestMax, Tasks: decides, PerClass: true, Share: true, Doc: "The share of the samples of the class that are said to be."},
		{Name: "f1", Title: "F1", Best: BestMax, Tasks: decides, PerClass: true, Share: true, Doc: "The harmonic mean of precision and recall."},
		{Name: "mae", Title: "MAE", Best: BestMin, Tasks: measures, Doc: "The mean absolute error."},
		{Name: "rmse", Title: "RMSE", Best: BestMin, Tasks: measures, Ranks: []Task{TaskNumbers}, Doc: "The square root of the mean squared error."},
		{Name: "r2", Title: "R2", Best: BestMax, Tasks: measures, Doc: "The share of the labels' variance that the model explains, the mean over the outputs."},
	}
}

// LookupMetric returns the metric called name.
func LookupMetric(name string) (Metric, bool) {
	all := Metrics()
	if i := slices.IndexFunc(all, func(m Metric) bool { return m.Name == name }); i >= 0 {
		return all[i], true
	}
	return Metric{}, false
}

// Of reports whether a training of the task has the metric.
func (m Metric) Of(task Task) bool { return slices.Contains(m.Tasks, task) }

// Better reports whether a is better than b. Any number is better than NaN.
func (m Metric) Better(a, b float64) bool {
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return !math.IsNaN(a)
	case m.Best == BestMax:
		return a > b
	}
	return a < b
}
