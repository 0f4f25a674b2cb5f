package render

import (
	"fmt"

	"gonum.org/v1/plot"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// A Run is one of several trainings that are compared.
type Run struct {
	Name string
	Training
	Parameters int
	// Test is a measure on data of its own, "" if there is none.
	Test string
}

// CompareTable has a row a run, the one with the best validation loss (else
// training loss) in bold.
func CompareTable(runs []Run) display.Message {
	t := Table{Header: []string{"model", "parameters", "epochs", "training loss"}, Left: []string{"model"}}
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
	lowest := 0.0
	for i, r := range runs {
		row, value, ok := r.row(val, acc, test)
		t.Rows = append(t.Rows, row)
		if ok && (t.Mark == 0 || value < lowest) {
			t.Mark, lowest = i+1, value
		}
	}
	b := t.Bundle()
	if t.Mark > 0 && len(runs) > 1 {
		note := fmt.Sprintf("Best: %s.", runs[t.Mark-1].Name)
		b.Data[MIMEText] = b.Text() + "\n" + note
	}
	return b
}

// row is one run, and the value by which it is judged.
func (r Run) row(val, acc, test bool) (row []string, value float64, ok bool) {
	c := r.columns()
	row = []string{r.Name, Count(r.Parameters), Count(len(r.History)), "-"}
	if n := len(c.loss); n > 0 {
		row[3], value, ok = Number(c.loss[n-1]), c.loss[n-1], true
	}
	if val {
		cells := []string{"-", "-"}
		if i := best(c.valLoss, false); i >= 0 {
			cells, value, ok = []string{Number(c.valLoss[i]), Count(r.History[i].Epoch)}, c.valLoss[i], true
		} else {
			ok = false
		}
		row = append(row, cells...)
	}
	if acc {
		cell := "-"
		if i := best(c.valAccuracy, true); i >= 0 {
			cell = Percent(c.valAccuracy[i])
		} else if i := best(c.accuracy, true); i >= 0 {
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
	return row, value, ok
}

// ComparePicture draws the losses of the runs over each other, and the accuracies if
// there are any: those of validation if a run has them.
func ComparePicture(runs []Run) display.Message {
	loss, acc := panel{title: "loss"}, panel{title: "accuracy", share: true}
	var sentence string
	for i, r := range runs {
		c := r.columns()
		y, kind := c.valLoss, "validation"
		if y == nil {
			y, kind = c.loss, "training"
		}
		loss.series = append(loss.series, Series{Name: r.Name, X: c.epoch, Y: y, Look: i})
		if at := best(y, false); at >= 0 {
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
