package render

import (
	"math"
	"strings"
)

var blocks = []rune("▁▂▃▄▅▆▇█")

// Spark draws values as a row of at most width block characters, the smallest
// as the lowest block. What is not finite is a gap.
func Spark(values []float64, width int) string {
	values = bins(values, width)
	lo, hi := finiteRange(values)
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			b.WriteRune(' ')
		case hi == lo:
			b.WriteRune(blocks[len(blocks)/2])
		default:
			i := int((v - lo) / (hi - lo) * float64(len(blocks)))
			b.WriteRune(blocks[min(i, len(blocks)-1)])
		}
	}
	return b.String()
}

// bins averages values into at most n neighbours of equal width.
func bins(values []float64, n int) []float64 {
	if len(values) <= n || n < 1 {
		return values
	}
	out := make([]float64, n)
	for i := range out {
		from, to := i*len(values)/n, (i+1)*len(values)/n
		sum := 0.0
		for _, v := range values[from:to] {
			sum += v
		}
		out[i] = sum / float64(to-from)
	}
	return out
}

// finiteRange is the range of the finite values; 0, 0 where there is none.
func finiteRange(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}
