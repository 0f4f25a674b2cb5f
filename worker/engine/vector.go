package engine

import "math"

// Loops over all numbers of a batch, in plain Go. The vector instructions of
// amd64 give the same bits.

func reluPortable(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = max(v, 0) // keeps NaN, which must not be hidden
	}
}

// reluSlopePortable has no branch, because signs are practically random and would be
// mispredicted. y is +0 or more, and only +0 has all bits zero.
func reluSlopePortable(dy, y []float32) {
	y = y[:len(dy)]
	for i, g := range dy {
		bits := math.Float32bits(y[i])
		keep := uint32(int32(bits|-bits) >> 31)
		dy[i] = math.Float32frombits(math.Float32bits(g) & keep)
	}
}

func addPortable(sums, x []float32) {
	x = x[:len(sums)]
	for i, v := range x {
		sums[i] += v
	}
}

// total returns the sum of x, in four interleaved parts.
func total(x []float32) float32 {
	var a, b, c, d float32
	for len(x) >= 4 {
		a, b, c, d = a+x[0], b+x[1], c+x[2], d+x[3]
		x = x[4:]
	}
	for _, v := range x {
		a += v
	}
	return (a + b) + (c + d)
}
