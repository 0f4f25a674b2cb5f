package train

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Comparison is which of several models is best, and by which figure.
type Comparison struct {
	// By names the figure: "validation loss". Empty: the models cannot be ranked.
	By string
	// Best is the index of the best model, -1 if none has the figure.
	Best int
	// Values has the figure of each model, NaN if it has none; nil if By is empty.
	Values []float64
	// Differ lists the hyperparameters that change what the loss measures and that
	// differ, so that the losses are not comparable.
	Differ []string
	// Untested says that models without a figure in common would have one if each were
	// evaluated on the same data.
	Untested bool
}

// Compare ranks models by the best figure that they have in common. That is the loss if
// it measures the same in all of them, of the validation data if one has some: a model
// without them is not ranked then. Otherwise it is a metric that the loss does not
// influence, of the tests if they are given, else the accuracy of the trainings. tests
// are evaluations of the models on the same data; nil for none.
func Compare(models []*Model, tests []*Evaluation) Comparison {
	c := Comparison{Best: -1, Differ: differing(models)}
	if c.Differ == nil {
		c.rank(lossOf(models))
		return c
	}
	kind := kindOfTask(models)
	if kind == "" {
		return c
	}
	for _, f := range metricsOf(kind, models, tests) {
		if !slices.ContainsFunc(f.values, math.IsNaN) { // all have it
			c.rank(f)
			return c
		}
	}
	c.Untested = slices.Contains(tests, nil) || len(tests) < len(models)
	return c
}

// differing lists what is part of the loss and not alike in all models.
func differing(models []*Model) (names []string) {
	for _, m := range models {
		names = append(names, m.Hyperparameters.OtherLoss(&models[0].Hyperparameters)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// What a model's labels are. Models of one kind have a metric in common.
const (
	oneClass   = "one class a row"
	manyLabels = "yes or no, several times a row"
	someNumber = "numbers"
)

// kindOfTask returns what the labels of all models are, "" if that differs.
func kindOfTask(models []*Model) string {
	kind := ""
	for _, m := range models {
		k := someNumber
		switch task := contract.TaskOf(m.Hyperparameters.LossFunction); {
		case m.MultiLabel():
			k = manyLabels
		case task == contract.TaskClasses || task == contract.TaskLabels:
			k = oneClass
		case task == contract.TaskVectors:
			return "" // their labels are not what others predict
		}
		if kind != "" && k != kind {
			return ""
		}
		kind = k
	}
	return kind
}

// A figure is a metric of each model on some data, NaN if a model has none.
type figure struct {
	name   string
	metric contract.Metric
	values []float64
}

// rank takes a figure to rank the models by.
func (c *Comparison) rank(f figure) {
	c.By, c.Values = f.name, f.values
	for i, v := range f.values {
		if !math.IsNaN(v) && (c.Best < 0 || f.metric.Better(v, f.values[c.Best])) {
			c.Best = i
		}
	}
}

// lossOf is the loss that models are compared by.
func lossOf(models []*Model) figure {
	metric, _ := contract.LookupMetric(contract.MetricLoss)
	f := figure{name: "training loss", metric: metric}
	validated := slices.ContainsFunc(models, func(m *Model) bool { return m.History.HasValidation() })
	if validated {
		f.name = "validation loss"
	}
	for _, m := range models {
		value, h := math.NaN(), m.History
		if i := h.Best(); i >= 0 && validated && h.HasValidation() {
			value = h.ValLoss[i]
		} else if n := h.Len(); n > 0 && !validated {
			value = h.Loss[n-1]
		}
		f.values = append(f.values, value)
	}
	return f
}

// metricsOf lists the metrics that models of a kind are compared by, the best one first:
// of the contract's metric that ranks their task, the figure of the tests, then those of
// the trainings.
func metricsOf(kind string, models []*Model, tests []*Evaluation) []figure {
	task := map[string]contract.Task{oneClass: contract.TaskClasses, manyLabels: contract.TaskLabels, someNumber: contract.TaskNumbers}[kind]
	all := contract.Metrics()
	metric := all[slices.IndexFunc(all, func(m contract.Metric) bool { return slices.Contains(m.Ranks, task) })]
	title := metric.Title
	if kind == manyLabels {
		title = "share of " + metric.Several
	}
	tested := figure{name: "test " + title, metric: metric}
	for i := range models {
		v := math.NaN()
		if i < len(tests) && tests[i] != nil {
			v = tests[i].metric(metric.Name)
		}
		tested.values = append(tested.values, v)
	}
	figures := []figure{tested}
	if metric.Epochs {
		figures = append(figures, trained("validation "+title, metric, "val_"+metric.Name, models), trained("training "+title, metric, metric.Name, models))
	}
	return figures
}

// metric is the figure with that name in the contract; NaN if the evaluation has none.
func (e *Evaluation) metric(name string) float64 {
	name = strings.ReplaceAll(name, "_", "")
	f := reflect.ValueOf(e).Elem().FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
	if !f.IsValid() || f.Kind() != reflect.Float64 {
		return math.NaN()
	}
	return f.Float()
}

// trained is the best value of a metric in the epochs of each model.
func trained(name string, metric contract.Metric, key string, models []*Model) figure {
	f := figure{name: name, metric: metric}
	for _, m := range models {
		best := math.NaN()
		for i := range m.History.Records {
			if v := value(m.History.Records[i].Value(key)); metric.Better(v, best) {
				best = v
			}
		}
		f.values = append(f.values, best)
	}
	return f
}

// String says which figure ranks the models, or why none does.
func (c Comparison) String() string {
	differ := strings.Join(c.Differ, ", ")
	switch {
	case c.Differ == nil:
		return "by " + c.By
	case c.By == "":
		return fmt.Sprintf("not ranked: their losses are not comparable (%s differ), and they have no metric in common", differ)
	}
	return fmt.Sprintf("by %s; their losses are not comparable (%s differ)", c.By, differ)
}
