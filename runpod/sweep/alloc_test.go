package sweep

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/train"
)

// Eleven trials convert their data once, so they allocate little more than one
// trial.
func TestTrialsShareTheirData(t *testing.T) {
	const rows, columns = 200_000, 20
	X, y := make([][]float64, rows), make([]string, rows)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range X {
		X[i] = make([]float64, columns)
		for j := range X[i] {
			X[i][j] = random.NormFloat64()
		}
		y[i] = []string{"no", "yes"}[random.IntN(2)]
	}
	allocated := func(trials int) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := Prepare("linear $hidden\nrelu\nlinear 2", train.Data{X: X, Y: y}, train.Options{Seed: train.Seed(1)}, dimensions(t, "lr=log(1e-4,1)", "hidden=4..64"), Options{Trials: trials, Seed: train.Seed(1)})
		if err != nil {
			t.Fatal(err)
		}
		for _, plan := range p.Plans {
			plan.Data() // computes the digests for the receipts
		}
		runtime.ReadMemStats(&after)
		if len(p.Plans) != trials {
			t.Fatalf("%d plans", len(p.Plans))
		}
		return float64(after.TotalAlloc-before.TotalAlloc) / 1e6
	}
	one, eleven := allocated(1), allocated(11)
	t.Logf("one trial allocates %.1f MB, eleven %.1f MB", one, eleven)
	if eleven > 1.1*one {
		t.Errorf("one trial allocates %.1f MB, eleven %.1f MB", one, eleven)
	}
}
