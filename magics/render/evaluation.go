package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// maxMatrix is the number of classes up to which a confusion matrix is shown cell
// by cell. With more classes, only the most frequent confusions are listed.
const maxMatrix = 20

// An Evaluation holds what the outputs of an evaluation show.
type Evaluation struct {
	Metrics worker.Metrics
	// ClassNames are the names of the classes; nil if they are numbers.
	ClassNames []string
	Title      string
	Loss       string // name of the loss function
}

// Sentence returns the result in one sentence.
func (e Evaluation) Sentence() string {
	m := e.Metrics
	s := ""
	switch {
	case m.Accuracy != nil && m.ExactMatch != nil:
		s = fmt.Sprintf("%s of the labels right, %s of %s samples with all labels right, loss %s",
			Percent(float64(*m.Accuracy)), Percent(float64(*m.ExactMatch)), Count(m.SamplesProcessed), Number(float64(m.Loss)))
	case m.Accuracy != nil:
		s = fmt.Sprintf("Accuracy %s, loss %s on %s samples", Percent(float64(*m.Accuracy)), Number(float64(m.Loss)), Count(m.SamplesProcessed))
		if c := confusions(m.Confusion, 1); len(c) > 0 {
			s += fmt.Sprintf("; most often confused: class %s taken for %s (%s)", e.class(c[0].truth), e.class(c[0].predicted), times(c[0].n))
		}
	case m.RMSE != nil:
		s = fmt.Sprintf("RMSE %s on %s samples", Number(float64(*m.RMSE)), Count(m.SamplesProcessed))
		if m.R2 != nil {
			s += fmt.Sprintf(", R2 %s", Number(float64(*m.R2)))
		}
	default:
		s = fmt.Sprintf("Loss %s on %s samples", Number(float64(m.Loss)), Count(m.SamplesProcessed))
	}
	return s + "."
}

// Table returns all the numbers, for readers who do not see the picture: the
// totals, a row per class, and the confusion matrix.
func (e Evaluation) Table() display.Message {
	total := e.totals()
	html, text := total.HTML(), total.Text()
	if len(e.Metrics.PerClass) > 0 {
		per := e.perClass()
		html += "\n" + per.HTML()
		text += "\n\n" + per.Text()
	}
	if len(e.Metrics.Confusion) > 0 {
		matrix := e.matrix()
		html += "\n" + matrix.HTML()
		text += "\n\n" + matrix.Text()
	}
	return table(html, text)
}

func (e Evaluation) totals() Table {
	m := e.Metrics
	t := Table{Caption: e.Title, Header: []string{"metric", "value"}, Left: []string{"metric"}}
	add := func(name, value string) { t.Rows = append(t.Rows, []string{name, value}) }
	for _, row := range decisionsFirst() {
		n := m.Value(row.Name)
		title, format := row.Title, Number
		if m.ExactMatch != nil {
			title = cmp.Or(row.Several, title)
		}
		if row.Share {
			format = Percent
		}
		switch {
		case n == nil:
		case row.Name == contract.MetricLoss:
			add(strings.TrimSpace("loss "+e.lossName()), format(float64(*n)))
		case row.Name != contract.MetricAUC || m.ExactMatch != nil: // for classes, the ROC curve shows it
			add(title, format(float64(*n)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Custom)) {
		add(printable.Text(name), Number(float64(m.Custom[name])))
	}
	add("samples", Count(m.SamplesProcessed))
	return t
}

// decisionsFirst lists the contract's metrics in the order of the table: those of classes
// and labels, the loss, and those of numbers.
func decisionsFirst() []contract.Metric {
	all := contract.Metrics()
	slices.SortStableFunc(all, func(a, b contract.Metric) int {
		switch x, y := a.Of(contract.TaskNumbers), b.Of(contract.TaskNumbers); {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	})
	return all
}

func (e Evaluation) lossName() string {
	if e.Loss == "" {
		return ""
	}
	return "(" + strings.ReplaceAll(e.Loss, "_", " ") + ")"
}

// class returns the name of a class, or its number if it has none.
func (e Evaluation) class(i int) string {
	if i >= 0 && i < len(e.ClassNames) {
		return e.ClassNames[i]
	}
	return strconv.Itoa(i)
}

func (e Evaluation) perClass() Table {
	what := "class"
	if e.Metrics.ExactMatch != nil {
		what = "label"
	}
	t := Table{Header: []string{what, "precision", "recall", "F1", "samples"}}
	var p, r, f float64
	support := 0
	for _, c := range e.Metrics.PerClass {
		t.Rows = append(t.Rows, []string{e.class(c.Class), Percent(float64(c.Precision)), Percent(float64(c.Recall)), Percent(float64(c.F1)), Count(c.Support)})
		p, r, f, support = p+float64(c.Precision), r+float64(c.Recall), f+float64(c.F1), support+c.Support
	}
	n := float64(len(e.Metrics.PerClass))
	t.Rows = append(t.Rows, []string{"mean", Percent(p / n), Percent(r / n), Percent(f / n), Count(support)})
	t.Mark = len(t.Rows)
	return t
}

func (e Evaluation) matrix() Table {
	m := e.Metrics.Confusion
	if len(m) > maxMatrix {
		return e.frequent(m)
	}
	t := Table{Caption: "confusion matrix: rows are true classes, columns predicted", Header: []string{"true"}}
	for j := range m {
		t.Header = append(t.Header, e.class(j))
	}
	for i, row := range m {
		cells := []string{e.class(i)}
		for j := range m {
			n := "."
			if j < len(row) && row[j] != 0 {
				n = strconv.Itoa(row[j])
			}
			cells = append(cells, n)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// frequent lists the confusions that happened most often.
func (e Evaluation) frequent(m [][]int) Table {
	t := Table{Caption: "most frequent confusions", Header: []string{"true", "predicted", "times"}}
	for _, c := range confusions(m, 15) {
		t.Rows = append(t.Rows, []string{e.class(c.truth), e.class(c.predicted), Count(c.n)})
	}
	return t
}

type confusion struct{ truth, predicted, n int }

// confusions lists the largest wrong cells of the matrix, the largest first and no
// more than most. It keeps no others in memory, because a matrix of thousands of
// classes has millions of cells.
func confusions(m [][]int, most int) []confusion {
	var out []confusion
	for i, row := range m {
		for j, n := range row {
			if i == j || n <= 0 || len(out) == most && n <= out[most-1].n {
				continue
			}
			at := len(out)
			for at > 0 && out[at-1].n < n {
				at--
			}
			out = first(slices.Insert(out, at, confusion{i, j, n}), most)
		}
	}
	return out
}

func first[T any](s []T, n int) []T { return s[:min(n, len(s))] }

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return Count(n) + " times"
}
