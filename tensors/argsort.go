package tensors

import (
	"cmp"
	"slices"
)

// Argsort returns the indices of values from the smallest value to the largest. NaN
// comes first; equal values keep their order.
func Argsort(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	return order
}
