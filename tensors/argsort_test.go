package tensors_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
)

func TestArgsort(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   []int
	}{
		{nil, []int{}},
		{[]float64{3, 1, 2}, []int{1, 2, 0}},
		{[]float64{1, 0, 1, 0, 1}, []int{1, 3, 0, 2, 4}},
		{[]float64{math.Inf(1), math.NaN(), 0, math.Inf(-1), math.NaN()}, []int{1, 4, 3, 2, 0}},
	} {
		if got := tensors.Argsort(c.values); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}
