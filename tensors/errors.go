package tensors

import (
	"errors"
	"fmt"
)

// The kinds of errors of this package. Every error unwraps to one of them.
var (
	// ErrType: the Go value is not an array of numbers, or a dtype cannot hold it.
	ErrType = errors.New("not an array of numbers")
	// ErrEmpty: the array has no elements.
	ErrEmpty = errors.New("empty array")
	// ErrRagged: rows differ in length.
	ErrRagged = errors.New("ragged rows")
	// ErrShape: the shape does not fit the data or the operation.
	ErrShape = errors.New("wrong shape")
	// ErrNotFinite: an element is NaN or infinite. The error is a *NonFiniteError.
	ErrNotFinite = errors.New("not finite")
	// ErrRange: a number does not fit the target dtype.
	ErrRange = errors.New("out of range")
	// ErrTooLarge: more bytes than the format or the caller's limit allows.
	ErrTooLarge = errors.New("too large")
	// ErrFormat: bytes from outside do not follow their format.
	ErrFormat = errors.New("malformed data")
)

// fail makes an error of a kind, with a sentence about the input.
func fail(kind error, format string, args ...any) error {
	return fmt.Errorf("tensors: %w: %s", kind, fmt.Sprintf(format, args...))
}

// A NonFiniteError locates the first NaN or infinity of a tensor.
type NonFiniteError struct {
	Index []int   // one number per dimension, from 0
	Value float64 // NaN, +Inf or -Inf
	Count int     // how many elements are not finite
}

// Error describes the error on one line.
func (e *NonFiniteError) Error() string {
	where := fmt.Sprintf("index %v", e.Index)
	switch len(e.Index) {
	case 1:
		where = fmt.Sprintf("index %d", e.Index[0])
	case 2:
		where = fmt.Sprintf("row %d, column %d", e.Index[0], e.Index[1])
	}
	more := ""
	if e.Count > 1 {
		more = fmt.Sprintf(" (%d such values in all)", e.Count)
	}
	return fmt.Sprintf("tensors: not finite: %v at %s%s", e.Value, where, more)
}

// Unwrap returns ErrNotFinite.
func (e *NonFiniteError) Unwrap() error { return ErrNotFinite }

// A PickleError refuses a pickled state, which could run code.
type PickleError struct {
	Zip bool // in a zip file, as torch.save writes it
}

// Error describes the error on one line.
func (e *PickleError) Error() string {
	return "tensors: malformed data: state: this is a pickle, which is not read because it can run code; send safetensors"
}

// Unwrap returns ErrFormat.
func (e *PickleError) Unwrap() error { return ErrFormat }

// named adds the name of the tensor to an error.
func named(name string, err error) error {
	return fmt.Errorf("tensor %.80q: %w", name, err)
}
