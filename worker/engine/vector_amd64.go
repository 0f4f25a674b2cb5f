package engine

import "github.com/gopherpod/gopherpod/worker/engine/sgemm"

//go:noescape
func reluAVX2(n8 int, y, x *float32)

//go:noescape
func reluSlopeAVX2(n8 int, dy, y *float32)

//go:noescape
func addAVX2(n8 int, sums, x *float32)

// fast is computed once, because the processor does not change.
var fast = sgemm.Fast()

// reluTo sets y to max(x, 0); NaN stays.
func reluTo(y, x []float32) {
	y = y[:len(x)]
	even := 0
	if fast && len(x) >= 8 {
		even = len(x) &^ 7
		reluAVX2(even/8, &y[0], &x[0])
	}
	reluPortable(y[even:], x[even:])
}

// reluSlope keeps dy where y is above 0.
func reluSlope(dy, y []float32) {
	y = y[:len(dy)]
	even := 0
	if fast && len(dy) >= 8 {
		even = len(dy) &^ 7
		reluSlopeAVX2(even/8, &dy[0], &y[0])
	}
	reluSlopePortable(dy[even:], y[even:])
}

// addTo adds the first len(sums) numbers of x to sums.
func addTo(sums, x []float32) {
	x = x[:len(sums)]
	even := 0
	if fast && len(sums) >= 8 {
		even = len(sums) &^ 7
		addAVX2(even/8, &sums[0], &x[0])
	}
	addPortable(sums[even:], x[even:])
}
