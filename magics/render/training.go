package render

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Training holds what the outputs of a training run show.
type Training struct {
	// History holds one record for each epoch that was finished.
	History []worker.Epoch
	// Epochs is the last epoch that was planned, counted like Epoch.Epoch; 0: the last
	// of History.
	Epochs int
	// Loss is the name of the loss function, for the axis.
	Loss string
	// Title is the line above the table: the model and how it was trained.
	Title string
	// Note is a line below the table that says why the run ended early. It is
	// usually empty.
	Note string
}

// columns are those of a history; a column without any value is nil.
type columns struct{ epoch, loss, valLoss, accuracy, valAccuracy []float64 }

func (t Training) columns() columns {
	var c columns
	var some struct{ valLoss, accuracy, valAccuracy bool }
	for _, e := range t.History {
		c.epoch = append(c.epoch, float64(e.Epoch))
		c.loss = append(c.loss, float64(e.Loss))
		c.valLoss = append(c.valLoss, optional(e.ValLoss, &some.valLoss))
		c.accuracy = append(c.accuracy, optional(e.Accuracy, &some.accuracy))
		c.valAccuracy = append(c.valAccuracy, optional(e.ValAccuracy, &some.valAccuracy))
	}
	if !some.valLoss {
		c.valLoss = nil
	}
	if !some.accuracy {
		c.accuracy = nil
	}
	if !some.valAccuracy {
		c.valAccuracy = nil
	}
	return c
}

func optional(n *worker.Number, some *bool) float64 {
	if n == nil {
		return math.NaN()
	}
	*some = true
	return float64(*n)
}

// best returns the index of the best finite value of a metric, or -1 if there is
// none.
func best(values []float64, metric string) int {
	m, _ := contract.LookupMetric(metric)
	at := -1
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if at < 0 || m.Better(v, values[at]) {
			at = i
		}
	}
	return at
}

// Sentence returns the run in one sentence, which replaces the curve if no picture
// is shown.
func (t Training) Sentence() string {
	c := t.columns()
	if len(c.epoch) == 0 {
		return "No epoch was finished."
	}
	n := len(c.epoch)
	var b strings.Builder
	if n == 1 {
		fmt.Fprintf(&b, "Training loss %s after epoch %d", Short(c.loss[0]), t.History[0].Epoch)
	} else {
		fmt.Fprintf(&b, "Training loss %s to %s over %s epochs", Short(c.loss[0]), Short(c.loss[n-1]), Count(n))
	}
	if i := best(c.valLoss, contract.MetricLoss); i >= 0 {
		fmt.Fprintf(&b, ", best validation loss %s at epoch %d", Short(c.valLoss[i]), t.History[i].Epoch)
	}
	switch i := best(c.valAccuracy, contract.MetricAccuracy); {
	case i >= 0 && n == 1:
		fmt.Fprintf(&b, "; validation accuracy %s", Percent(c.valAccuracy[0]))
	case i >= 0:
		fmt.Fprintf(&b, "; validation accuracy %s to %s", Percent(c.valAccuracy[0]), Percent(c.valAccuracy[n-1]))
	case len(c.accuracy) > 0:
		fmt.Fprintf(&b, "; training accuracy %s", Percent(c.accuracy[n-1]))
	}
	return b.String() + "."
}

// Table returns the summary: for each measure the first, last and best value and a
// sparkline.
func (t Training) Table() display.Message {
	if len(t.History) == 0 {
		note := cmp.Or(t.Note, "No epoch was trained.")
		return table("<div>"+escape(t.Title)+"</div>\n<div><b>"+escape(note)+"</b></div>", t.Title+"\n"+note)
	}
	c := t.columns()
	tab := Table{
		Caption:  t.Title,
		Header:   []string{"", "first", "last", "best", "at epoch", "course"},
		Left:     []string{"", "course"},
		TextOnly: "course",
	}
	row := func(name string, values []float64, format func(float64) string, metric string) {
		if len(values) == 0 {
			return
		}
		at, bestText, epoch := best(values, metric), "-", "-"
		if at >= 0 {
			bestText, epoch = format(values[at]), Count(t.History[at].Epoch)
		}
		tab.Rows = append(tab.Rows, []string{name, format(values[0]), format(values[len(values)-1]), bestText, epoch, Spark(values, 20)})
	}
	row("training loss", c.loss, Number, contract.MetricLoss)
	row("validation loss", c.valLoss, Number, contract.MetricLoss)
	row("training accuracy", c.accuracy, Percent, contract.MetricAccuracy)
	row("validation accuracy", c.valAccuracy, Percent, contract.MetricAccuracy)
	for _, kind := range []struct {
		name string
		of   func(worker.Epoch) map[string]worker.Number
	}{
		{"training", func(e worker.Epoch) map[string]worker.Number { return e.Custom }},
		{"validation", func(e worker.Epoch) map[string]worker.Number { return e.ValCustom }},
	} {
		for _, name := range slices.Sorted(maps.Keys(kind.of(t.History[len(t.History)-1]))) {
			values := make([]float64, len(t.History))
			for i, e := range t.History {
				values[i] = math.NaN()
				if v, ok := kind.of(e)[name]; ok {
					values[i] = float64(v)
				}
			}
			// whether more is better, only its author knows
			tab.Rows = append(tab.Rows, []string{kind.name + " " + printable.Text(name), Number(values[0]), Number(values[len(values)-1]), "-", "-", Spark(values, 20)})
		}
	}
	html, text := tab.HTML(), tab.Text()
	if t.Note != "" {
		html, text = html+"\n<div><b>"+escape(t.Note)+"</b></div>", text+"\n"+t.Note
	}
	return table(html, text)
}

// Curve draws the run, from its first epoch to its last.
func (t Training) Curve() display.Message {
	t.Epochs = 0
	return t.figure().picture(t.Sentence())
}

func (t Training) figure() figure {
	c := t.columns()
	f := figure{width: 576, height: 300}
	if c.accuracy != nil || c.valAccuracy != nil {
		f.width, f.height = 720, 280
	}
	f.plots = func() []*plot.Plot {
		loss := panel{title: strings.TrimSpace(strings.ReplaceAll(t.Loss, "_", " ") + " loss"), xmax: float64(t.Epochs)}
		loss.add(c.epoch, c.loss, c.valLoss, contract.MetricLoss)
		if c.accuracy == nil && c.valAccuracy == nil {
			return []*plot.Plot{loss.plot()}
		}
		acc := panel{title: "accuracy", xmax: float64(t.Epochs), share: true}
		acc.add(c.epoch, c.accuracy, c.valAccuracy, contract.MetricAccuracy)
		return []*plot.Plot{loss.plot(), acc.plot()}
	}
	return f
}

// add adds a measure of the training data and of the validation data, whose best epoch
// is marked. Either may be nil.
func (pn *panel) add(epoch, training, validation []float64, metric string) {
	if training != nil {
		pn.series = append(pn.series, Series{Name: "training", X: epoch, Y: training})
	}
	if validation != nil {
		pn.series = append(pn.series, Series{Name: "validation", X: epoch, Y: validation, Look: 1})
		if i := best(validation, metric); i >= 0 {
			pn.mark, pn.markOf = &plotter.XY{X: epoch[i], Y: validation[i]}, 1
		}
	}
}
