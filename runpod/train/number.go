package train

import (
	"fmt"
	"math"
	"reflect"

	"github.com/gopherpod/gopherpod/worker"
)

// A Number is an optional number: nil means not given, and 0 is a value like any other.
// It holds a value of any integer or float type. A value of another type is an error that
// names the option.
type Number any

// giveNumber sets the hyperparameter with that name, if v is given.
func giveNumber(h *worker.Hyperparameters, name string, v Number) error {
	if v == nil {
		return nil
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return h.Give(name, r.Int())
	case r.CanUint():
		return h.Give(name, r.Uint())
	case r.CanFloat():
		if f := r.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return worker.Invalid(name, fmt.Sprintf("is %v, wants a finite number", f))
		}
		return h.Give(name, r.Float())
	}
	return worker.Invalid(name, fmt.Sprintf("is a %T, wants an integer or a float", v))
}
