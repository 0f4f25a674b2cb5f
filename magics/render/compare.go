package render

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Run is one of several trainings that are compared.
type Run struct {
	Name string
	Training
	Parameters int
	// Test is the result on separate test data, "" if there is none.
	Test string
}

// CompareTable returns a table with a row per run. The best one is in bold, unless
// best is -1. by names the metric that ranks the runs, if that is not the loss in the
// table, or says why none does.
func CompareTable(runs []Run, best int, by string) display.Message {
	t := Table{Header: []string{"model", "parameters", "epochs", "training loss"}, Left: []string{"model"}, Mark: best + 1}
	val, acc, test := false, false, false
	for _, r := range runs {
		c := r.columns()
		val, acc, test = val || c.valLoss != nil, acc || c.valAccuracy != nil || c.accuracy != nil, test || r.Test != ""
	}
	if val {
		t.Header = append(t.Header, "best validation loss", "at epoch")
	}
	if acc {
		t.Header = append(t.Header, "best accuracy")
	}
	if test {
		t.Header = append(t.Header, "test")
	}
	for _, r := range runs {
		t.Rows = append(t.Rows, r.row(val, acc, test))
	}
	note := ""
	switch {
	case len(runs) < 2:
	case best >= 0 && best < len(runs) && by != "":
		note = fmt.Sprintf("Best: %s, %s.", runs[best].Name, by)
	case best >= 0 && best < len(runs):
		note = fmt.Sprintf("Best: %s.", runs[best].Name)
	case by != "":
		note = strings.ToUpper(by[:1]) + by[1:] + "."
	}
	html, text := t.HTML(), t.Text()
	if note != "" {
		text += "\n" + note
		if by != "" { // what the bold row alone does not show
			html += "\n<div>" + escape(note) + "</div>"
		}
	}
	return table(html, text)
}

// row returns the cells of one run.
func (r Run) row(val, acc, test bool) []string {
	c := r.columns()
	row := []string{r.Name, Count(r.Parameters), Count(len(r.History)), "-"}
	if n := len(c.loss); n > 0 {
		row[3] = Number(c.loss[n-1])
	}
	if val {
		cells := []string{"-", "-"}
		if i := best(c.valLoss, contract.MetricLoss); i >= 0 {
			cells = []string{Number(c.valLoss[i]), Count(r.History[i].Epoch)}
		}
		row = append(row, cells...)
	}
	if acc {
		cell := "-"
		if i := best(c.valAccuracy, contract.MetricAccuracy); i >= 0 {
			cell = Percent(c.valAccuracy[i])
		} else if i := best(c.accuracy, contract.MetricAccuracy); i >= 0 {
			cell = Percent(c.accuracy[i]) + " (training)"
		}
		row = append(row, cell)
	}
	if test {
		cell := r.Test
		if cell == "" {
			cell = "-"
		}
		row = append(row, cell)
	}
	return row
}

// ComparePicture draws the losses of the runs over each other, and the accuracies if
// there are any, on validation data if a run has them.
func ComparePicture(runs []Run) display.Message {
	loss, acc := panel{title: "loss"}, panel{title: "accuracy", share: true}
	var sentence string
	mixed := slices.ContainsFunc(runs, func(r Run) bool { return r.Loss != runs[0].Loss })
	for i, r := range runs {
		named := r.Name
		if mixed { // the curves are of different losses
			named += " (" + r.Loss + ")"
		}
		c := r.columns()
		y, kind := c.valLoss, "validation"
		if y == nil {
			y, kind = c.loss, "training"
		}
		loss.series = append(loss.series, Series{Name: named, X: c.epoch, Y: y, Look: i})
		if at := best(y, contract.MetricLoss); at >= 0 {
			sentence += fmt.Sprintf("; %s best %s loss %s at epoch %d", r.Name, kind, Short(y[at]), r.History[at].Epoch)
		}
		if y = c.valAccuracy; y == nil {
			y = c.accuracy
		}
		if y != nil {
			acc.series = append(acc.series, Series{Name: r.Name, X: c.epoch, Y: y, Look: i})
		}
	}
	f := figure{plots: func() []*plot.Plot { return []*plot.Plot{loss.plot()} }, width: 576, height: 300}
	if len(acc.series) > 0 {
		f = figure{plots: func() []*plot.Plot { return []*plot.Plot{loss.plot(), acc.plot()} }, width: 720, height: 280}
	}
	return f.picture(fmt.Sprintf("%d trainings compared%s.", len(runs), sentence))
}
