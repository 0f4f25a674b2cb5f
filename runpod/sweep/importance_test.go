package sweep

import (
	"math"
	"math/rand/v2"
	"testing"
)

// On the average of many small sweeps, noise has little importance and what matters has
// much. For groups of one trial it is unknown.
func TestImportanceIsLessThatOfChance(t *testing.T) {
	space := dimensions(t, "lr=log(1e-4,1)", "noise=0..1.0", "word=[a,b,c]")
	r := rand.New(rand.NewPCG(1, 2))
	sum := make([]float64, len(space))
	const sweeps = 200
	for range sweeps {
		result := Result{Space: space}
		for range 16 {
			lr := math.Pow(10, -4*r.Float64())
			p := Point{"lr": lr, "noise": r.Float64(), "word": []any{"a", "b", "c"}[r.IntN(3)]}
			result.Trials = append(result.Trials, TrialResult{Point: p, Value: math.Log10(lr) + 0.2*r.NormFloat64()})
		}
		for i, share := range result.Importance() {
			sum[i] += share / sweeps
		}
	}
	// Without the correction for chance they are 0.83, 0.14 and 0.14. Values below
	// 0 count as 0, so a little chance remains.
	if sum[0] < 0.75 || sum[1] > 0.08 || sum[2] > 0.08 {
		t.Errorf("importance on average %.3f", sum)
	}
	one := Result{Space: space[:1], Trials: []TrialResult{{Point: Point{"lr": 1e-4}}, {Point: Point{"lr": 1.0}, Value: 1}}}
	if im := one.Importance(); !math.IsNaN(im[0]) {
		t.Errorf("groups of one trial: %v", im)
	}
}
