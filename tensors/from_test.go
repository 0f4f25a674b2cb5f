package tensors

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

type (
	label int
	pixel [2]float32
)

func TestFrom(t *testing.T) {
	dense := mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6})
	whole := []float64{1, 2, 3, 4, 5, 6}
	var iface any = [][]float64{{1, 2, 3}, {4, 5, 6}}
	for _, c := range []struct {
		name  string
		v     any
		dtype DType
		shape []int
		want  []float64
	}{
		{"dense", dense, Float64, []int{2, 3}, whole},
		{"dense by value", *dense, Float64, []int{2, 3}, whole},
		{"pointer to pointer", &dense, Float64, []int{2, 3}, whole},
		{"strided view", dense.Slice(0, 2, 1, 3), Float64, []int{2, 2}, []float64{2, 3, 5, 6}},
		{"transpose", dense.T(), Float64, []int{3, 2}, []float64{1, 4, 2, 5, 3, 6}},
		{"symmetric", mat.NewSymDense(2, []float64{1, 2, 2, 3}), Float64, []int{2, 2}, []float64{1, 2, 2, 3}},
		{"vector", mat.NewVecDense(3, whole[:3]), Float64, []int{3}, whole[:3]},
		{"vector by value", *mat.NewVecDense(3, whole[:3]), Float64, []int{3}, whole[:3]},
		{"column", dense.ColView(1), Float64, []int{2}, []float64{2, 5}},
		{"row", dense.RowView(1), Float64, []int{3}, []float64{4, 5, 6}},
		{"float64s", whole, Float64, []int{6}, whole},
		{"float32s", []float32{1, 2}, Float32, []int{2}, []float64{1, 2}},
		{"ints", []int{-1, 2}, Int64, []int{2}, []float64{-1, 2}},
		{"int64s", []int64{-1, 2}, Int64, []int{2}, []float64{-1, 2}},
		{"int32s", []int32{-1, 2}, Int32, []int{2}, []float64{-1, 2}},
		{"int16s", []int16{-1, 2}, Int16, []int{2}, []float64{-1, 2}},
		{"int8s", []int8{-1, 2}, Int8, []int{2}, []float64{-1, 2}},
		{"uint8s", []uint8{255, 2}, Uint8, []int{2}, []float64{255, 2}},
		{"uint16s", []uint16{65535, 2}, Int32, []int{2}, []float64{65535, 2}},
		{"uint32s", []uint32{1<<32 - 1, 2}, Int64, []int{2}, []float64{1<<32 - 1, 2}},
		{"uints", []uint{7}, Int64, []int{1}, []float64{7}},
		{"uint64s", []uint64{7}, Int64, []int{1}, []float64{7}},
		{"bools", []bool{true, false}, Bool, []int{2}, []float64{1, 0}},
		{"named", []label{3, 1}, Int64, []int{2}, []float64{3, 1}},
		{"rows", [][]float64{{1, 2, 3}, {4, 5, 6}}, Float64, []int{2, 3}, whole},
		{"rows in an interface", &iface, Float64, []int{2, 3}, whole},
		{"rows float32", [][]float32{{1, 2}}, Float32, []int{1, 2}, []float64{1, 2}},
		{"rows of uint16", [][]uint16{{1, 2}, {3, 4}}, Int32, []int{2, 2}, []float64{1, 2, 3, 4}},
		{"fixed rows", [][3]float64{{1, 2, 3}, {4, 5, 6}}, Float64, []int{2, 3}, whole},
		{"named rows", []pixel{{1, 2}, {3, 4}}, Float32, []int{2, 2}, []float64{1, 2, 3, 4}},
		{"array by value", [2]int{4, 5}, Int64, []int{2}, []float64{4, 5}},
		{"array by pointer", &[2]int{4, 5}, Int64, []int{2}, []float64{4, 5}},
		{"three levels", [][][2]int8{{{1, 2}}, {{3, 4}}}, Int8, []int{2, 1, 2}, []float64{1, 2, 3, 4}},
		{"array of slices", [2][]bool{{true}, {false}}, Bool, []int{2, 1}, []float64{1, 0}},
		{"tensor", Tensor{DType: Uint8, Shape: []int{1}, Data: []byte{9}}, Uint8, []int{1}, []float64{9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := From(c.v)
			if err != nil {
				t.Fatal(err)
			}
			values, err := got.Float64s()
			if err != nil {
				t.Fatal(err)
			}
			if got.DType != c.dtype || !slices.Equal(got.Shape, c.shape) || !slices.Equal(values, c.want) {
				t.Errorf("got %v %v, want %v%v %v", got, values, c.dtype, c.shape, c.want)
			}
		})
	}
}

func TestFromRefuses(t *testing.T) {
	var none *mat.Dense
	for _, c := range []struct {
		v    any
		kind error
		says string
	}{
		{nil, ErrType, "nil"},
		{none, ErrType, "nil *mat.Dense"},
		{"text", ErrType, "string"},
		{3.5, ErrType, "float64"},
		{[]string{"a"}, ErrType, "[]string"},
		{[]complex128{1}, ErrType, "complex128"},
		{[]any{1.0}, ErrType, "interface"},
		{struct{ X int }{}, ErrType, "struct"},
		{&mat.Dense{}, ErrEmpty, "0 rows"},
		{&mat.VecDense{}, ErrEmpty, "vector"},
		{[]float64{}, ErrEmpty, "[]float64"},
		{[]int(nil), ErrEmpty, "[]int"},
		{[][]float64{{}, {1}}, ErrEmpty, "row 0"},
		{[][]float64{{1, 2}, {1, 2}, {1}}, ErrRagged, "row 2 has 1 values, the first row has 2"},
		{[][][]int{{{1}, {2}}, {{1}, {2, 3}}}, ErrRagged, "row [1 1] has 2 values"},
		{[]uint64{1, math.MaxUint64}, ErrRange, "position 1"},
		{Tensor{}, ErrType, "dtype 0"},
		{Tensor{DType: Int8, Shape: []int{3}, Data: []byte{1}}, ErrShape, "needs 3 bytes"},
	} {
		_, err := From(c.v)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("From(%T): %v; want %v with %q", c.v, err, c.kind, c.says)
		}
	}
}

func TestFromSharesMemory(t *testing.T) {
	m := mat.NewDense(2, 2, []float64{1, 2, 3, 4})
	x, err := From(m)
	if err != nil {
		t.Fatal(err)
	}
	back, err := x.Dense()
	if err != nil {
		t.Fatal(err)
	}
	m.Set(1, 1, 9)
	if back.At(1, 1) != 9 {
		t.Error("a matrix without gaps was copied")
	}
	own, err := x.Clone().Dense()
	if err != nil {
		t.Fatal(err)
	}
	m.Set(1, 1, 10)
	if own.At(1, 1) != 9 {
		t.Error("Clone shares memory")
	}
	array := [2]float64{1, 2}
	y, err := FromValue(reflect.ValueOf(&array).Elem())
	if err != nil {
		t.Fatal(err)
	}
	array[0] = 5
	if v, _ := y.Float64s(); v[0] != 5 {
		t.Error("an addressable array was copied")
	}
}

func TestBack(t *testing.T) {
	x, err := From([][][2]int8{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := x.Dense()
	if err != nil {
		t.Fatal(err)
	}
	if want := mat.NewDense(2, 4, []float64{1, 2, 3, 4, 5, 6, 7, 8}); !mat.Equal(m, want) {
		t.Errorf("got %v", mat.Formatted(m))
	}
	rows, err := x.Float64Rows()
	if err != nil || !slices.Equal(rows[1], []float64{5, 6, 7, 8}) {
		t.Errorf("rows %v, %v", rows, err)
	}
	if _, err := x.VecDense(); !errors.Is(err, ErrShape) {
		t.Errorf("VecDense of three dimensions: %v", err)
	}
	flat, err := x.Reshape(8, 1)
	if err != nil {
		t.Fatal(err)
	}
	v, err := flat.VecDense()
	if err != nil || v.Len() != 8 || v.AtVec(7) != 8 {
		t.Errorf("VecDense: %v, %v", v, err)
	}
	part, err := x.SliceRows(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	ints, err := part.Ints()
	if err != nil || !slices.Equal(ints, []int{5, 6, 7, 8}) {
		t.Errorf("Ints: %v, %v", ints, err)
	}
	for _, r := range [][2]int{{-1, 1}, {1, 0}, {0, 3}} {
		if _, err := x.SliceRows(r[0], r[1]); !errors.Is(err, ErrShape) {
			t.Errorf("rows %v: %v", r, err)
		}
	}
	empty := Tensor{DType: Float64, Shape: []int{0, 3}}
	if _, err := empty.Dense(); !errors.Is(err, ErrEmpty) {
		t.Errorf("Dense of nothing: %v", err)
	}
	if _, err := empty.VecDense(); err == nil {
		t.Error("VecDense of nothing is accepted")
	}
}

func TestCheckFinite(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(-1)
	for _, c := range []struct {
		v    any
		says string
	}{
		{mat.NewDense(2, 2, []float64{1, 2, nan, inf}), "NaN at row 1, column 0 (2 such values in all)"},
		{[]float32{1, float32(inf)}, "-Inf at index 1"},
		{[][][1]float64{{{1}}, {{nan}}}, "NaN at index [1 0 0]"},
		{[]int{1}, ""},
		{[]float64{math.MaxFloat64, math.Copysign(0, -1)}, ""},
	} {
		x, err := From(c.v)
		if err != nil {
			t.Fatal(err)
		}
		err = x.CheckFinite()
		if c.says == "" {
			if err != nil {
				t.Errorf("%v: %v", c.v, err)
			}
			continue
		}
		if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %q", c.v, err, c.says)
		}
		for _, d := range []DType{Float16, BFloat16} {
			if h, err := x.To(d); err != nil || !errors.Is(h.CheckFinite(), ErrNotFinite) {
				t.Errorf("%v as %v: %v, %v", c.v, d, h.CheckFinite(), err)
			}
		}
	}
}
