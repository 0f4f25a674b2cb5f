package engine

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestVectorsAreThePortableCode: the vector code and the portable code agree bit
// for bit, at all lengths and for special numbers.
func TestVectorsAreThePortableCode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	odd := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e-45, -1e-45, math.MaxFloat32}
	numbers := func(n int) []float32 {
		s := make([]float32, n)
		for i := range s {
			s[i] = float32(r.NormFloat64())
			if r.IntN(4) == 0 {
				s[i] = odd[r.IntN(len(odd))]
			}
		}
		return s
	}
	same := func(what string, n int, a, b []float32) {
		t.Helper()
		for i := range a {
			if math.Float32bits(a[i]) != math.Float32bits(b[i]) && (a[i] == a[i] || b[i] == b[i]) {
				t.Fatalf("%s of %d: element %d is %v, in plain Go %v", what, n, i, a[i], b[i])
			}
		}
	}
	for n := range 70 {
		x, y, z := numbers(n), make([]float32, n), make([]float32, n)
		reluTo(y, x)
		reluPortable(z, x)
		same("relu", n, y, z)
		d := numbers(n)
		e := append([]float32{}, d...)
		reluSlope(d, y)
		reluSlopePortable(e, z)
		same("slope", n, d, e)
		addTo(d, x)
		addPortable(e, x)
		same("sum", n, d, e)
		adamAgrees(t, r, n)
	}
}

func adamAgrees(t *testing.T, r *rand.Rand, n int) {
	c := &adamConstants{beta1: 0.9, rest1: 0.1, beta2: 0.999, rest2: 0.001, correction2: 0.3, eps: 1e-8, size: 0.01, shrink: 0.99, l2: 0.01}
	var a, b [4][]float32
	for i := range a {
		a[i] = make([]float32, n)
		for k := range a[i] {
			a[i][k] = float32(math.Abs(r.NormFloat64()))
		}
		b[i] = append([]float32{}, a[i]...)
	}
	adamStep(a[0], a[1], a[2], a[3], c)
	adamPortable(b[0], b[1], b[2], b[3], c)
	for i := range a {
		for k := range a[i] {
			if a[i][k] != b[i][k] {
				t.Fatalf("adam of %d: slot %d, element %d is %v, in plain Go %v", n, i, k, a[i][k], b[i][k])
			}
		}
	}
}
