package train

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Comparison says which of several models is best, and by which figure.
type Comparison struct {
	// By names the figure, such as "validation loss". It is empty if the models cannot be
	// ranked.
	By string
	// Best is the index of the best model, -1 if none has the figure.
	Best int
	// Values has the figure of each model, NaN for a model without it; nil if By is empty.
	Values []float64
	// Differ lists the hyperparameters that make the losses incomparable, because they
	// change what the loss measures and are not the same in all models.
	Differ []string
	// Untested reports whether the models have no figure in common but would have one if
	// all of them were evaluated on the same data.
	Untested bool
}

// Compare ranks models by the best figure that they have in common. If the loss measures
// the same in all of them, that is the loss: of the validation data if any model has some,
// and then models without validation data are not ranked. Otherwise it is a metric that
// does not depend on the loss: of the tests if they are given, else the accuracy of the
// trainings. tests are evaluations of the models on the same data; nil for none.
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

// differing lists the hyperparameters that are part of the loss and differ between models.
func differing(models []*Model) (names []string) {
	for _, m := range models {
		names = append(names, m.Hyperparameters.OtherLoss(&models[0].Hyperparameters)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// The kinds of labels that a model can have. Models of one kind have a metric in common.
const (
	oneClass   = "one class a row"
	manyLabels = "yes or no, several times a row"
	someNumber = "numbers"
)

// kindOfTask returns the kind of labels of all models, "" if it differs between them.
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
			return "" // no other kind of model predicts such labels
		}
		if kind != "" && k != kind {
			return ""
		}
		kind = k
	}
	return kind
}

// A figure is a metric of each model on some data, NaN for models that do not have it.
type figure struct {
	name   string
	metric contract.Metric
	values []float64
}

// rank ranks the models by a figure.
func (c *Comparison) rank(f figure) {
	c.By, c.Values = f.name, f.values
	for i, v := range f.values {
		if !math.IsNaN(v) && (c.Best < 0 || f.metric.Better(v, f.values[c.Best])) {
			c.Best = i
		}
	}
}

// lossOf returns the loss of each model, to compare the models by.
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

// metricsOf lists the figures that models of a kind can be compared by, the best one first.
// All are of the metric that the contract ranks their task by: of the tests first, then of
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

// metric returns the metric with that name in the contract, NaN if the evaluation does not
// have it.
func (e *Evaluation) metric(name string) float64 {
	name = strings.ReplaceAll(name, "_", "")
	f := reflect.ValueOf(e).Elem().FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
	if !f.IsValid() || f.Kind() != reflect.Float64 {
		return math.NaN()
	}
	return f.Float()
}

// trained returns the best value of a metric over the epochs of each model.
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
