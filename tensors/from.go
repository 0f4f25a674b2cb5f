package tensors

import (
	"math"
	"reflect"
	"slices"
	"unsafe"

	"gonum.org/v1/gonum/mat"
)

// From makes a tensor of an array:
//
//	mat.Matrix, *mat.Dense, mat.Dense    [rows, columns] float64
//	mat.Vector, *mat.VecDense            [n] float64
//	[]float64, []float32, []bool         [n] of that dtype
//	[]int and the other integers         [n]; int, uint32, uint and uint64 as
//	                                     int64, uint16 as int32
//	[][]float64, [][8]float32, ...       one more dimension for each level
//	arrays, pointers to all of these, named types, Tensor
//
// It shares v's memory if v has no gaps and its elements are laid out like the
// dtype's; slices of slices, strided views and other matrices are copied. Rows of
// different lengths are ErrRagged, and the error names the row. An array without
// elements is ErrEmpty; anything else is ErrType.
func From(v any) (Tensor, error) {
	switch v := v.(type) {
	case []float64:
		return fromSlice(Float64, v)
	case []float32:
		return fromSlice(Float32, v)
	case []int64:
		return fromSlice(Int64, v)
	}
	return FromValue(reflect.ValueOf(v))
}

// FromAs is From followed by [Tensor.To].
func FromAs(v any, d DType) (Tensor, error) {
	t, err := From(v)
	if err != nil {
		return Tensor{}, err
	}
	return t.To(d)
}

// FromValue is From for a value found by reflection, such as a variable of a
// notebook's session. It shares the memory of an addressable array.
func FromValue(v reflect.Value) (Tensor, error) {
	for v.IsValid() {
		if known, t, err := fromKnown(v); known {
			return t, err
		}
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			break
		}
		if v.IsNil() {
			return Tensor{}, fail(ErrType, "nil %v", v.Type())
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return Tensor{}, fail(ErrType, "nil")
	}
	return fromNested(v)
}

func fromSlice[T native](d DType, s []T) (Tensor, error) {
	if len(s) == 0 {
		return Tensor{}, fail(ErrEmpty, "%T without elements", s)
	}
	return Tensor{DType: d, Shape: []int{len(s)}, Data: bytesOf(s)}, nil
}

// fromKnown handles types that it knows by name rather than by structure.
func fromKnown(v reflect.Value) (known bool, t Tensor, err error) {
	if v.Kind() == reflect.Pointer && v.IsNil() || !v.CanInterface() {
		return false, Tensor{}, nil
	}
	if v.Kind() == reflect.Struct && v.CanAddr() { // a mat.Dense: its methods are the pointer's
		v = v.Addr()
	}
	switch x := v.Interface().(type) {
	case Tensor:
		t, err = checked(x)
	case *Tensor:
		t, err = checked(*x)
	case mat.Dense:
		t, err = fromMatrix(&x)
	case mat.VecDense:
		t, err = fromVector(&x)
	case mat.Vector:
		t, err = fromVector(x)
	case mat.Matrix:
		t, err = fromMatrix(x)
	default:
		return false, Tensor{}, nil
	}
	return true, t, err
}

func checked(t Tensor) (Tensor, error) {
	if err := t.Validate(); err != nil {
		return Tensor{}, err
	}
	if len(t.Data) == 0 {
		return Tensor{}, fail(ErrEmpty, "%v", t)
	}
	return t, nil
}

func fromMatrix(m mat.Matrix) (Tensor, error) {
	r, c := m.Dims()
	if r == 0 || c == 0 {
		return Tensor{}, fail(ErrEmpty, "matrix of %d rows and %d columns", r, c)
	}
	var data []float64
	if d, ok := m.(mat.RawMatrixer); ok {
		g := d.RawMatrix()
		if g.Stride == c {
			data = g.Data[:r*c]
		} else {
			data = make([]float64, 0, r*c)
			for i := range r {
				data = append(data, g.Data[i*g.Stride:i*g.Stride+c]...)
			}
		}
	} else {
		data = make([]float64, 0, r*c)
		for i := range r {
			for j := range c {
				data = append(data, m.At(i, j))
			}
		}
	}
	return Tensor{DType: Float64, Shape: []int{r, c}, Data: bytesOf(data)}, nil
}

func fromVector(m mat.Vector) (Tensor, error) {
	n := m.Len()
	if n == 0 {
		return Tensor{}, fail(ErrEmpty, "vector without elements")
	}
	if d, ok := m.(mat.RawVectorer); ok && d.RawVector().Inc == 1 {
		return fromSlice(Float64, d.RawVector().Data[:n])
	}
	data := make([]float64, n)
	for i := range data {
		data[i] = m.AtVec(i)
	}
	return fromSlice(Float64, data)
}

// fromNested reads slices and arrays of numbers of any depth.
func fromNested(v reflect.Value) (Tensor, error) {
	leaf := v.Type()
	for leaf.Kind() == reflect.Slice || leaf.Kind() == reflect.Array {
		leaf = leaf.Elem()
	}
	d, ok := dtypeOf(leaf.Kind())
	if !ok || leaf == v.Type() {
		return Tensor{}, fail(ErrType, "%v", v.Type())
	}
	n := nest{leaf: leaf}
	if err := n.measure(v); err != nil {
		return Tensor{}, err
	}
	if err := n.collect(v, 0, nil); err != nil {
		return Tensor{}, err
	}
	if len(n.shape) > maxDims {
		return Tensor{}, fail(ErrShape, "%d dimensions, want at most %d", len(n.shape), maxDims)
	}
	data, err := widen(leaf, n.data)
	return Tensor{DType: d, Shape: n.shape, Data: data}, err
}

// dtypeOf returns the dtype that holds every value of a kind; uint and uint64 are
// checked by widen.
func dtypeOf(k reflect.Kind) (DType, bool) {
	switch k {
	case reflect.Float64:
		return Float64, true
	case reflect.Float32:
		return Float32, true
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return Int64, true
	case reflect.Int32, reflect.Uint16:
		return Int32, true
	case reflect.Int16:
		return Int16, true
	case reflect.Int8:
		return Int8, true
	case reflect.Uint8:
		return Uint8, true
	case reflect.Bool:
		return Bool, true
	}
	return 0, false
}

// A nest collects the memory of nested slices and arrays.
type nest struct {
	leaf  reflect.Type
	shape []int
	data  []byte // the machine's byte order, elements as leaf has them
}

// measure takes the shape from the first element at each level.
func (n *nest) measure(v reflect.Value) error {
	for v.Type() != n.leaf {
		if v.Len() == 0 {
			if len(n.shape) == 0 {
				return fail(ErrEmpty, "%v without elements", v.Type())
			}
			return fail(ErrEmpty, "row 0 has no elements")
		}
		n.shape = append(n.shape, v.Len())
		v = v.Index(0)
	}
	return nil
}

// collect appends the elements of v, which is at depth, in order.
func (n *nest) collect(v reflect.Value, depth int, path []int) error {
	if v.Len() != n.shape[depth] {
		row := any(path)
		if len(path) == 1 {
			row = path[0]
		}
		return fail(ErrRagged, "row %v has %d values, the first row has %d", row, v.Len(), n.shape[depth])
	}
	if flat(v.Type().Elem()) {
		chunk := memory(v)
		if n.data == nil && len(path) == 0 {
			n.data = chunk // this is the whole array: share it
		} else {
			n.data = append(n.grow(len(chunk), path), chunk...)
		}
		return nil
	}
	for i := range v.Len() {
		if err := n.collect(v.Index(i), depth+1, append(path, i)); err != nil {
			return err
		}
	}
	return nil
}

// grow allocates once for all chunks, whose number is the product of all dimensions
// but the last.
func (n *nest) grow(chunk int, path []int) []byte {
	if n.data != nil {
		return n.data
	}
	total := chunk
	for i := range path {
		total *= n.shape[i]
	}
	return make([]byte, 0, total)
}

// flat reports whether values of a type are numbers without pointers between them.
func flat(t reflect.Type) bool {
	for t.Kind() == reflect.Array {
		t = t.Elem()
	}
	return t.Kind() != reflect.Slice
}

// memory returns the bytes of a slice or array of flat elements.
func memory(v reflect.Value) []byte {
	size := v.Len() * int(v.Type().Elem().Size())
	if v.Kind() == reflect.Slice {
		return unsafe.Slice((*byte)(v.UnsafePointer()), size)
	}
	if !v.CanAddr() {
		own := reflect.New(v.Type()).Elem()
		own.Set(v)
		v = own
	}
	return unsafe.Slice((*byte)(v.Addr().UnsafePointer()), size)
}

// widen converts elements of Go's type to those of the dtype, little-endian.
func widen(leaf reflect.Type, b []byte) ([]byte, error) {
	n := len(b) / int(leaf.Size())
	p := unsafe.Pointer(unsafe.SliceData(b))
	switch leaf.Kind() {
	case reflect.Uint16:
		return widenInts[int32](unsafe.Slice((*uint16)(p), n)), nil
	case reflect.Uint32:
		return widenInts[int64](unsafe.Slice((*uint32)(p), n)), nil
	case reflect.Uint, reflect.Int:
		if leaf.Size() == 4 && leaf.Kind() == reflect.Int {
			return widenInts[int64](unsafe.Slice((*int32)(p), n)), nil
		}
		if leaf.Size() == 4 {
			return widenInts[int64](unsafe.Slice((*uint32)(p), n)), nil
		}
	}
	if leaf.Kind() == reflect.Uint || leaf.Kind() == reflect.Uint64 {
		for i, x := range unsafe.Slice((*uint64)(p), n) {
			if x > math.MaxInt64 {
				return nil, fail(ErrRange, "%d at position %d is not an int64", x, i)
			}
		}
	}
	if !littleEndian {
		b = slices.Clone(b)
		swap(b, int(leaf.Size()))
	}
	return b, nil
}

func widenInts[D, S native](src []S) []byte {
	out := make([]D, len(src))
	for i, x := range src {
		out[i] = D(x)
	}
	return bytesOf(out)
}
