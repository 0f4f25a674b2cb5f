package tensors

import (
	"math"
	"testing"
)

// CheckFinite finds every non-finite value at every position, whatever the
// alignment of the memory.
func TestCheckFiniteEverywhere(t *testing.T) {
	values := []float32{0, 1, -1, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1))}
	odd := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.Float32frombits(0xffc00001)}
	all := make([]float32, 48)
	for i := range all {
		all[i] = values[i%len(values)]
	}
	for from := range 3 {
		for to := from + 1; to <= len(all); to++ {
			x, err := From(all[from:to])
			if err != nil {
				t.Fatal(err)
			}
			if err := x.CheckFinite(); err != nil {
				t.Fatalf("[%d:%d]: %v", from, to, err)
			}
			for i := from; i < to; i++ {
				for _, v := range odd {
					good := all[i]
					all[i] = v
					err := x.CheckFinite()
					all[i] = good
					bad, ok := err.(*NonFiniteError)
					if !ok || bad.Index[0] != i-from || bad.Count != 1 {
						t.Fatalf("[%d:%d] with %v at %d: %v", from, to, v, i, err)
					}
				}
			}
		}
	}
}
