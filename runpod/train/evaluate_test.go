package train

import (
	"math"
	"testing"

	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// On the validation data, Evaluate returns the same figures as the last epoch: it uses the
// loss of the training with its weights and smoothing.
func TestEvaluateIsTheHistorys(t *testing.T) {
	_, endpoint := start(t, local.Options{Handler: engine.Handler(engine.Options{})})
	var x [][]float64
	var classes []int
	var numbers []float64
	for i := range 60 {
		a, b := math.Sin(float64(i)), math.Cos(float64(3*i))
		x, classes, numbers = append(x, []float64{a, b}), append(classes, i%3), append(numbers, 5*a-b)
	}
	for _, row := range []struct {
		name    string
		y       any
		options Options
	}{
		{"class weights and smoothing", classes, Options{ClassWeights: []float64{1, 3, 0.5}, LabelSmoothing: 0.1}},
		{"huber", numbers, Options{Loss: "huber"}},
		{"smooth l1", numbers, Options{Loss: "smooth_l1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			width := "3"
			if row.name != "class weights and smoothing" {
				width = "1"
			}
			o := row.options
			o.Epochs, o.Seed, o.Endpoint = 4, Seed(1), endpoint
			o.Validation = &Data{X: x, Y: row.y}
			m, err := Fit(t.Context(), Layers("linear 8\ntanh\nlinear "+width), Data{X: x, Y: row.y}, o)
			if err != nil {
				t.Fatal(err)
			}
			e, err := m.Evaluate(x, row.y)
			if err != nil {
				t.Fatal(err)
			}
			if last := m.History.ValLoss[3]; math.Abs(e.Loss-last) > 1e-9 {
				t.Errorf("evaluated to %v, the last epoch said %v", e.Loss, last)
			}
		})
	}
}
