package tensors

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// To returns the tensor in another dtype, or t itself if it has that dtype already.
// Floats round to nearest; a finite number that would become infinite is
// ErrRange. Integers and bools accept only numbers that they represent exactly: 2.5
// to int64, 300 to uint8 and 2 to bool are ErrRange. Integers above 2^53 round when
// they become float64.
func (t Tensor) To(d DType) (Tensor, error) {
	if err := t.Validate(); err != nil {
		return Tensor{}, err
	}
	if t.DType == d {
		return t, nil
	}
	var data []byte
	bad := -1
	switch d {
	case Float64:
		data, bad = convertTo[float64](t)
	case Float32:
		data, bad = convertTo[float32](t)
	case Float16, BFloat16:
		data, bad = t.toHalf(d)
	case Int64:
		data, bad = convertTo[int64](t)
	case Int32:
		data, bad = convertTo[int32](t)
	case Int16:
		data, bad = convertTo[int16](t)
	case Int8:
		data, bad = convertTo[int8](t)
	case Uint8:
		data, bad = convertTo[uint8](t)
	case Bool:
		if data, bad = convertTo[uint8](t); bad < 0 {
			bad = slices.IndexFunc(data, func(b byte) bool { return b > 1 })
		}
	default:
		return Tensor{}, fail(ErrType, "dtype %d does not exist", uint8(d))
	}
	if bad >= 0 {
		return Tensor{}, fail(ErrRange, "%s does not fit %v", t.describe(bad), d)
	}
	return Tensor{DType: d, Shape: slices.Clone(t.Shape), Data: data}, nil
}

// describe returns an element and its position in words.
func (t Tensor) describe(i int) string {
	value := fmt.Sprint(t.float64At(i))
	if t.DType.IsInt() {
		value = fmt.Sprint(values[int64](t)[i])
	}
	index := t.unravel(i)
	switch len(index) {
	case 1:
		return fmt.Sprintf("%s at index %d", value, index[0])
	case 2:
		return fmt.Sprintf("%s at row %d, column %d", value, index[0], index[1])
	}
	return fmt.Sprintf("%s at index %v", value, index)
}

// float64At reads one element.
func (t Tensor) float64At(i int) float64 {
	size := t.DType.Size()
	one := Tensor{DType: t.DType, Data: t.Data[i*size : (i+1)*size]}
	return values[float64](one)[0]
}

func (t Tensor) toHalf(d DType) ([]byte, int) {
	wide, bad := convertTo[float32](t)
	if bad >= 0 {
		return nil, bad
	}
	half, bad := halfFromFloat32(d, view[float32](wide))
	return bytesOf(half), bad
}

// convertTo returns the data as D, and the first element that D cannot hold or -1.
func convertTo[D native](t Tensor) ([]byte, int) {
	out, bad := cast[D](t)
	return bytesOf(out), bad
}

// values converts without a check, for elements that are known to fit.
func values[D native](t Tensor) []D {
	out, _ := cast[D](t)
	return out
}

func cast[D native](t Tensor) ([]D, int) {
	switch t.DType {
	case Float64:
		return castSlice[D](view[float64](t.Data))
	case Float32:
		return castSlice[D](view[float32](t.Data))
	case Float16, BFloat16:
		return castSlice[D](halfToFloat32(t.DType, t.Data))
	case Int64:
		return castSlice[D](view[int64](t.Data))
	case Int32:
		return castSlice[D](view[int32](t.Data))
	case Int16:
		return castSlice[D](view[int16](t.Data))
	case Int8:
		return castSlice[D](view[int8](t.Data))
	}
	return castSlice[D](view[uint8](t.Data)) // Uint8, Bool
}

func castSlice[D, S native](src []S) ([]D, int) {
	out := make([]D, len(src))
	if isFloat[D]() {
		return out, castToFloat(out, src)
	}
	return out, castToInt(out, src)
}

func castToFloat[D, S native](out []D, src []S) (bad int) {
	narrows := isFloat[S]() && sizeOf[D]() < sizeOf[S]()
	for i, x := range src {
		out[i] = D(x)
		if narrows && math.IsInf(float64(out[i]), 0) && !math.IsInf(float64(x), 0) {
			return i
		}
	}
	return -1
}

// castToInt compares floats with the bounds first, because what Go makes of values
// beyond them depends on the processor.
func castToInt[D, S native](out []D, src []S) (bad int) {
	low, high := bounds[D]()
	float := isFloat[S]()
	for i, x := range src {
		if float && !(float64(x) >= low && float64(x) < high) {
			return i
		}
		y := D(x)
		if S(y) != x || (y < 0) != (x < 0) {
			return i
		}
		out[i] = y
	}
	return -1
}

// bounds returns the bounds of an integer type as [low, high), exact as float64.
func bounds[D native]() (low, high float64) {
	bits := float64(8 * sizeOf[D]())
	var zero D
	if zero-1 > zero { // unsigned
		return 0, math.Exp2(bits)
	}
	return -math.Exp2(bits - 1), math.Exp2(bits - 1)
}

func sizeOf[T native]() int {
	var zero T
	return int(unsafe.Sizeof(zero))
}

func isFloat[T native]() bool {
	var one T = 1
	return one/2 != 0
}
