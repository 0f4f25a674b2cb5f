package tensors

import (
	"gonum.org/v1/gonum/mat"
)

// Dense returns the tensor as a matrix of its rows: [n] becomes n by 1, and
// [n, a, b] becomes n by a*b, with one flattened row each. The matrix shares a float64
// tensor's memory; other dtypes are converted. A tensor without elements is ErrEmpty,
// because gonum has no such matrices.
func (t Tensor) Dense() (*mat.Dense, error) {
	data, err := t.Float64s()
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, fail(ErrEmpty, "%v has no elements to make a matrix of", t)
	}
	return mat.NewDense(t.Rows(), t.Cols(), data), nil
}

// VecDense returns a tensor of shape [n], [n, 1] or [] as a vector, sharing
// memory as Dense does.
func (t Tensor) VecDense() (*mat.VecDense, error) {
	data, err := t.Float64s()
	if err != nil {
		return nil, err
	}
	if t.Cols() != 1 {
		return nil, fail(ErrShape, "%v is not a vector", t)
	}
	if len(data) == 0 {
		return nil, fail(ErrEmpty, "%v has no elements to make a vector of", t)
	}
	return mat.NewVecDense(len(data), data), nil
}

// Float64s returns the elements, row after row. It shares a float64 tensor's
// memory.
func (t Tensor) Float64s() ([]float64, error) { return elements[float64](t, Float64) }

// Float32s returns the elements as float32, sharing a float32 tensor's memory.
// [Tensor.To] describes what happens to numbers that do not fit.
func (t Tensor) Float32s() ([]float32, error) { return elements[float32](t, Float32) }

// Int64s returns the elements, which must be whole numbers, sharing an int64
// tensor's memory.
func (t Tensor) Int64s() ([]int64, error) { return elements[int64](t, Int64) }

// Ints returns the elements, which must be whole numbers, as a new slice.
func (t Tensor) Ints() ([]int, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	out, bad := cast[int](t)
	if bad >= 0 {
		return nil, fail(ErrRange, "%s does not fit int", t.describe(bad))
	}
	return out, nil
}

// Bools returns the elements, which must be 0 or 1, as a new slice.
func (t Tensor) Bools() ([]bool, error) {
	b, err := t.To(Bool)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(b.Data))
	for i, x := range b.Data {
		out[i] = x == 1
	}
	return out, nil
}

// Float64Rows returns one slice per row, with the rows of Dense. They share memory as
// Float64s does.
func (t Tensor) Float64Rows() ([][]float64, error) {
	data, err := t.Float64s()
	if err != nil {
		return nil, err
	}
	rows, cols := make([][]float64, t.Rows()), t.Cols()
	for i := range rows {
		rows[i] = data[i*cols : (i+1)*cols : (i+1)*cols]
	}
	return rows, nil
}

func elements[T native](t Tensor, d DType) ([]T, error) {
	c, err := t.To(d)
	if err != nil {
		return nil, err
	}
	return view[T](c.Data), nil
}
