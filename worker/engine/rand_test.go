package engine

import (
	"math"
	"slices"
	"testing"
)

// The expected numbers are from PyTorch 1.13, after torch.manual_seed(7) or
// (-7).
func TestGeneratorIsPyTorchs(t *testing.T) {
	if got, want := newGenerator(7).perm(10), []int{5, 0, 3, 4, 1, 7, 9, 6, 8, 2}; !slices.Equal(got, want) {
		t.Errorf("randperm %v, want %v", got, want)
	}
	for seed, want := range map[int64][]float32{7: {0.5349225401878357, 0.19880318641662598}, -7: {0.2533376216888428, 0.6773603558540344}} {
		if g := newGenerator(seed); g.float32() != want[0] || g.float32() != want[1] {
			t.Errorf("seed %d: rand is not %v", seed, want)
		}
	}
	if g := newGenerator(7); g.float64() != 0.279380429906404 || g.float64() != 0.27369371365176565 {
		t.Error("rand of float64 differs")
	}
	bound := 1 / math.Sqrt(3)
	weight := make([]float32, 6)
	newGenerator(7).uniform(weight, -bound, bound)
	if want := []float32{0.04032507538795471, -0.3477921187877655, 0.18384182453155518, 0.1811612844467163, -0.3085803687572479, -0.0865316316485405}; !slices.Equal(weight, want) {
		t.Errorf("Linear(3, 2).weight is %v, want %v", weight, want)
	}
	mask := make([]float32, 10)
	newGenerator(7).keep(mask, 0.3)
	const k = 1.4285714626312256
	if want := []float32{k, k, 0, k, 0, 0, k, k, 0, 0}; !slices.Equal(mask, want) {
		t.Errorf("dropout mask %v, want %v", mask, want)
	}
}

func TestNormalIsPyTorchsUpToRounding(t *testing.T) {
	near := func(got []float32, want ...float32) {
		t.Helper()
		for i, w := range want {
			if math.Abs(float64(got[i]-w)) > 1e-6 {
				t.Errorf("randn(%d)[%d] is %v, want %v", len(got), i, got[i], w)
			}
		}
	}
	few, many := make([]float32, 3), make([]float32, 20)
	newGenerator(7).fillNormal(few)
	newGenerator(7).fillNormal(many)
	near(few, -0.1467950940132141, 0.7861412763595581, 0.9468216300010681)
	near(many, -0.8201345205307007, 0.39563116431236267, 0.8989084959030151, -1.3884038925170898)
	near(many[16:], -0.866701602935791, -0.5640066862106323, -2.056462526321411, -0.35672253370285034)
}
