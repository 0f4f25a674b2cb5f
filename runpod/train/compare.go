package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
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
		switch loss := m.Hyperparameters.LossFunction; {
		case m.MultiLabel():
			k = manyLabels
		case worker.Classifies(loss):
			k = oneClass
		case loss == "kl_div" || loss == "cosine":
			return "" // their labels are not what others predict
		}
		if kind != "" && k != kind {
			return ""
		}
		kind = k
	}
	return kind
}

// A figure is a number of each model, NaN where it has none; sign -1: small ones are good.
type figure struct {
	name   string
	values []float64
	sign   float64
}

// rank takes a figure to rank the models by.
func (c *Comparison) rank(f figure) {
	c.By, c.Values = f.name, f.values
	for i, v := range f.values {
		if !math.IsNaN(v) && (c.Best < 0 || f.sign*v > f.sign*f.values[c.Best]) {
			c.Best = i
		}
	}
}

// lossOf is the loss that models are compared by.
func lossOf(models []*Model) figure {
	f := figure{name: "training loss", sign: -1}
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

// metricsOf lists the metrics that models of a kind are compared by, the best one first.
func metricsOf(kind string, models []*Model, tests []*Evaluation) []figure {
	tested := func(name string, sign float64, of func(e *Evaluation) float64) figure {
		f := figure{name: "test " + name, sign: sign}
		for i := range models {
			value := math.NaN()
			if i < len(tests) && tests[i] != nil {
				value = of(tests[i])
			}
			f.values = append(f.values, value)
		}
		return f
	}
	if kind == someNumber {
		return []figure{tested("RMSE", -1, func(e *Evaluation) float64 { return e.RMSE })}
	}
	accuracy := "accuracy"
	if kind == manyLabels {
		accuracy = "share of right labels"
	}
	trained := func(on string, column func(h History) []float64) figure {
		f := figure{name: on + " " + accuracy, sign: 1}
		for _, m := range models {
			most := math.NaN()
			for _, v := range column(m.History) {
				if !math.IsNaN(v) && !(v <= most) {
					most = v
				}
			}
			f.values = append(f.values, most)
		}
		return f
	}
	return []figure{
		tested(accuracy, 1, func(e *Evaluation) float64 { return e.Accuracy }),
		trained("validation", func(h History) []float64 { return h.ValAccuracy }),
		trained("training", func(h History) []float64 { return h.Accuracy }),
	}
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
