package sgemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

func numbers(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

var transposes = []blas.Transpose{blas.NoTrans, blas.Trans}

// TestEqualsGonum compares with gonum for shapes that do and do not fill the
// tiles.
func TestEqualsGonum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sizes := []int{1, 2, 5, 6, 7, 15, 16, 17, 31, 64, 97, 130, 300}
	for range 300 {
		m, n, k := sizes[r.IntN(len(sizes))], sizes[r.IntN(len(sizes))], sizes[r.IntN(len(sizes))]
		tA, tB := transposes[r.IntN(2)], transposes[r.IntN(2)]
		beta := float32(r.IntN(2))
		pad := r.IntN(3)
		lda, ldb, ldc := k+pad, n+pad, n+pad
		rowsA, rowsB := m, k
		if tA == blas.Trans {
			lda, rowsA = m+pad, k
		}
		if tB == blas.Trans {
			ldb, rowsB = k+pad, n
		}
		a, b, c := numbers(r, rowsA*lda), numbers(r, rowsB*ldb), numbers(r, m*ldc)
		want := slices.Clone(c)
		gonum.Implementation{}.Sgemm(tA, tB, m, n, k, 1, a, lda, b, ldb, beta, want, ldc)
		BLAS{}.Sgemm(tA, tB, m, n, k, 1, a, lda, b, ldb, beta, c, ldc)
		for i := range c {
			if d := math.Abs(float64(c[i] - want[i])); d > 1e-5*float64(k) {
				t.Fatalf("m=%d n=%d k=%d tA=%c tB=%c beta=%v pad=%d: element %d is %v, gonum has %v", m, n, k, tA, tB, beta, pad, i, c[i], want[i])
			}
		}
	}
}

// TestSameForAnyGOMAXPROCS: the product does not depend on GOMAXPROCS, bit for
// bit.
func TestSameForAnyGOMAXPROCS(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	m, n, k := 301, 259, 777
	a, b := numbers(r, m*k), numbers(r, k*n)
	var want []float32
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, p := range []int{1, 2, 3, 8} {
		runtime.GOMAXPROCS(p)
		c := make([]float32, m*n)
		BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, m, n, k, 1, a, k, b, n, 0, c, n)
		if want == nil {
			want = c
		} else if !slices.Equal(c, want) {
			t.Fatalf("GOMAXPROCS %d gives other bits than 1", p)
		}
	}
}

func TestShortSlicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a short slice was read")
		}
	}()
	BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, 64, 64, 64, 1, make([]float32, 10), 64, make([]float32, 4096), 64, 0, make([]float32, 4096), 64)
}

func BenchmarkSgemm(b *testing.B) {
	for _, n := range []int{64, 256, 512, 1024} {
		r := rand.New(rand.NewPCG(1, 2))
		x, y, z := numbers(r, n*n), numbers(r, n*n), make([]float32, n*n)
		for _, tB := range transposes {
			b.Run(fmt.Sprintf("%d%c", n, tB), func(b *testing.B) {
				for b.Loop() {
					BLAS{}.Sgemm(blas.NoTrans, tB, n, n, n, 1, x, n, y, n, 0, z, n)
				}
				b.ReportMetric(2*float64(n*n*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
