//go:build !amd64

package engine

func reluTo(y, x []float32) { reluPortable(y, x) }

func reluSlope(dy, y []float32) { reluSlopePortable(dy, y) }

func addTo(sums, x []float32) { addPortable(sums, x) }
