package tensors

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestTo(t *testing.T) {
	all := []DType{Bool, Uint8, Int8, Int16, Float16, BFloat16, Int32, Float32, Float64, Int64}
	for _, from := range all {
		for _, to := range all {
			src := Tensor{DType: Float64, Shape: []int{3}, Data: bytesOf([]float64{0, 1, 1})}
			x, err := src.To(from)
			if err != nil {
				t.Fatal(err)
			}
			y, err := x.To(to)
			if err != nil {
				t.Errorf("%v to %v: %v", from, to, err)
				continue
			}
			got, err := y.Float64s()
			if err != nil || !slices.Equal(got, []float64{0, 1, 1}) {
				t.Errorf("%v to %v: %v, %v", from, to, got, err)
			}
		}
	}
}

func TestToRefuses(t *testing.T) {
	for _, c := range []struct {
		v    any
		to   DType
		says string
	}{
		{[]float64{1, 2.5}, Int64, "2.5 at index 1 does not fit int64"},
		{[]float64{math.NaN()}, Int32, "NaN"},
		{[]float64{1 << 63}, Int64, "9.223372036854776e+18"},
		{[]float32{1 << 31}, Int32, "2.147483648e+09"},
		{[]float64{1e300}, Float32, "1e+300"},
		{[]float64{70000}, Float16, "70000"},
		{[]float64{math.MaxFloat32}, BFloat16, "3.4"},
		{[][]int{{1, 300}}, Uint8, "300 at row 0, column 1"},
		{[]int{-1}, Uint8, "-1"},
		{[]int8{-1}, Uint8, "-1"},
		{[]uint8{200}, Int8, "200"},
		{[]int{1<<53 + 1}, Int32, "9007199254740993"},
		{[]int{2}, Bool, "2"},
	} {
		_, err := FromAs(c.v, c.to)
		if !errors.Is(err, ErrRange) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v to %v: %v, want %q", c.v, c.to, err, c.says)
		}
	}
	if _, err := FromAs([]int{1}, 99); !errors.Is(err, ErrType) {
		t.Errorf("to no dtype: %v", err)
	}
	x, err := From([]int64{math.MaxInt64, math.MinInt64})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.Ints(); err != nil || got[0] != math.MaxInt64 || got[1] != math.MinInt64 {
		t.Errorf("the widest integers: %v, %v", got, err)
	}
	if _, err := (Tensor{DType: Bool, Shape: []int{1}, Data: []byte{2}}).Bools(); !errors.Is(err, ErrFormat) {
		t.Errorf("a bool of 2: %v", err)
	}
}

// The 65,536 halves and their neighbours among the float32s.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		for _, d := range []DType{Float16, BFloat16} {
			to, from := float16To, float16From
			if d == BFloat16 {
				to, from = bfloat16To, bfloat16From
			}
			f := to(uint16(h))
			if f != f {
				if g := to(from(f)); g == g {
					t.Fatalf("%v %04x: NaN became %v", d, h, g)
				}
				continue
			}
			if back := from(f); back != uint16(h) {
				t.Fatalf("%v %04x is %v, which is %04x", d, h, f, back)
			}
			next := to(uint16(h) + 1)
			if h&0x7fff == 0x7fff || next != next || math.IsInf(float64(next), 0) || math.IsInf(float64(f), 0) {
				continue
			}
			// The middle rounds to even, its neighbours round to the nearer half.
			middle := float32((float64(f) + float64(next)) / 2)
			even := uint16(h + h&1)
			if got := from(middle); got != even {
				t.Fatalf("%v: the middle after %04x became %04x", d, h, got)
			}
			if got := from(math.Nextafter32(middle, f)); got != uint16(h) {
				t.Fatalf("%v: below the middle after %04x became %04x", d, h, got)
			}
			if got := from(math.Nextafter32(middle, next)); got != uint16(h+1) {
				t.Fatalf("%v: above the middle after %04x became %04x", d, h, got)
			}
		}
	}
}
