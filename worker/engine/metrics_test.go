package engine

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
)

// With several labels per sample, the metrics are those of scikit-learn's multi-label
// case, not those of classes.
func TestLabelMetrics(t *testing.T) {
	text, err := os.ReadFile("../testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		worker.Metrics
		Name           string
		Scores, Labels [][]float32
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err, len(cases))
	}
	near := func(a, b worker.Number) bool { return math.Abs(float64(a-b)) < 1e-12 }
	for _, c := range cases {
		k := len(c.Labels[0])
		var y, labels []float32
		for i := range c.Labels {
			y, labels = append(y, c.Scores[i]...), append(labels, c.Labels[i]...)
		}
		d, h := &targets{values: labels, width: k}, &worker.Hyperparameters{LossFunction: "bce_with_logits"}
		var m worker.Metrics
		widen(&m, h, y, d, []int{k})
		if m.ExactMatch == nil || !near(*m.ExactMatch, *c.ExactMatch) || m.AUC == nil || !near(*m.AUC, *c.AUC) || m.Confusion != nil {
			t.Errorf("%s: exact match %v, AUC %v, confusion %v; want %v, %v", c.Name, m.ExactMatch, m.AUC, m.Confusion, *c.ExactMatch, *c.AUC)
		}
		if len(m.PerClass) != k {
			t.Fatalf("%s: %d labels", c.Name, len(m.PerClass))
		}
		for i, got := range m.PerClass {
			want := c.PerClass[i]
			if got.Class != i || got.Support != want.Support || !near(got.Precision, want.Precision) || !near(got.Recall, want.Recall) || !near(got.F1, want.F1) {
				t.Errorf("%s: %+v, want %+v", c.Name, got, want)
			}
		}
		l, err := newLoss(h, []int{k})
		if err != nil {
			t.Fatal(err)
		}
		right, _ := l.correct(y, d, len(c.Labels))
		if share := worker.Number(right / float64(len(c.Labels))); !near(share, *c.Accuracy) {
			t.Errorf("%s: accuracy %v, want %v", c.Name, share, *c.Accuracy)
		}
		m = worker.Metrics{}
		if widen(&m, h, y, d, []int{1, k}); m.PerClass != nil || m.ExactMatch != nil {
			t.Errorf("%s: an image has labels %+v", c.Name, m)
		}
	}
}

// R2 of labels that do not vary is 1 or 0, as in scikit-learn, also if the mean of the labels is
// rounded to another number; the Python worker has the same cases (test_metrics.py).
func TestR2OfConstantLabels(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		y, labels []float32
		want      float64
	}{
		{[]float32{0.1, 0.1, 0.1}, []float32{0.1, 0.1, 0.1}, 1},
		{[]float32{0.1, 0.1, 0.2}, []float32{0.1, 0.1, 0.1}, 0},
		{[]float32{0, 0, 0, 0, 0, 0, 0}, []float32{0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7}, 0},
		{[]float32{0.1, 0.1, nan}, []float32{0.1, 0.1, 0.1}, math.NaN()},
		{[]float32{1, 2, nan}, []float32{1, 2, 3}, math.NaN()},
		{[]float32{1, 2, 4}, []float32{1, 2, 3}, 0.5},
	} {
		var m worker.Metrics
		regressionMetrics(&m, c.y, c.labels, 1)
		if got := float64(*m.R2); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%v for %v: %v, want %v", c.y, c.labels, got, c.want)
		}
	}
}
