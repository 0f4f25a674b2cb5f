package render

import (
	"math"
	"os"
	"strings"
	"testing"
)

func TestROC(t *testing.T) {
	for _, c := range []struct {
		scores   []float64
		positive []bool
		area     float64
		points   int
	}{
		{[]float64{0.9, 0.8, 0.3, 0.1}, []bool{true, true, false, false}, 1, 5},
		{[]float64{0.1, 0.3, 0.8, 0.9}, []bool{true, true, false, false}, 0, 5},
		{[]float64{0.5, 0.5, 0.5, 0.5}, []bool{true, false, true, false}, 0.5, 2},
		{[]float64{0.1, 0.4, 0.35, 0.8}, []bool{false, false, true, true}, 0.75, 5}, // scikit-learn's example
	} {
		pts, area, ok := roc(c.scores, c.positive)
		if !ok || math.Abs(area-c.area) > 1e-12 || len(pts) != c.points {
			t.Errorf("%v: area %v, %d points", c.scores, area, len(pts))
		}
	}
	if _, ok := ROC([]float64{1, 2}, []bool{true, true}); ok {
		t.Error("a curve without negatives")
	}
}

func TestFitPictures(t *testing.T) {
	var truth, predicted, scores []float64
	var positive []bool
	for i := range 5000 {
		x := float64(i) / 500
		truth = append(truth, x)
		predicted = append(predicted, x+math.Sin(float64(i)*1.3)*0.4)
		scores = append(scores, math.Sin(float64(i)*1.7)+x/5)
		positive = append(positive, x > 5)
	}
	curve, ok := ROC(scores, positive)
	rest := Residuals(truth, predicted)
	if !ok || !strings.HasPrefix(curve.Text(), "ROC curve of 5,000 samples, area under it 0.") || !strings.HasPrefix(rest.Text(), "Predicted over true values of 5,000 samples; the largest residual is ") {
		t.Errorf("%s\n%s", curve.Text(), rest.Text())
	}
	if size(curve) > 60_000 || size(rest) > 120_000 {
		t.Errorf("%d and %d bytes", size(curve), size(rest))
	}
	if dir := os.Getenv("GOPHERPOD_LOOK"); dir != "" {
		os.WriteFile(dir+"/roc.png", curve.Data[MIMEPNG].([]byte), 0o644)
		os.WriteFile(dir+"/residuals.png", rest.Data[MIMEPNG].([]byte), 0o644)
	}
	Residuals(nil, nil)
}
