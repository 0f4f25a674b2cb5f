package render

import (
	"math"
	"slices"
	"strings"
)

var blocks = []rune("▁▂▃▄▅▆▇█")

// Spark draws values as a row of at most width block characters, the smallest as
// the lowest block. A value that is not finite is a gap.
func Spark(values []float64, width int) string {
	values = bins(values, width)
	lo, hi := finiteRange(values)
	var b strings.Builder
	for _, v := range values {
		switch {
		case !drawable(v):
			b.WriteRune(' ')
		case !(hi-lo >= smallest):
			b.WriteRune(blocks[len(blocks)/2])
		default:
			i := int((within(v) - lo) / (hi - lo) * float64(len(blocks)))
			b.WriteRune(blocks[max(0, min(i, len(blocks)-1))])
		}
	}
	return b.String()
}

// bins averages neighbouring values into at most n bins of equal width.
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
		out[i] = within(sum) / float64(to-from) // the sum may overflow
		if !drawable(sum) && slices.ContainsFunc(values[from:to], func(v float64) bool { return !drawable(v) }) {
			out[i] = math.NaN()
		}
	}
	return out
}

// finiteRange returns the range of the finite values, as an axis shows them, or 0,
// 0 if there are none.
func finiteRange(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if drawable(v) {
			lo, hi = min(lo, within(v)), max(hi, within(v))
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}
