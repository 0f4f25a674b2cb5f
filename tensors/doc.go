// Package tensors carries arrays between Go and the wire.
//
// A [Tensor] is a dtype, a shape and little-endian bytes in row-major order. It
// is made from what people have in a notebook (gonum matrices and vectors,
// slices of numbers, slices of rows) with [From], and turned back with Dense,
// VecDense, Float64s, Ints and their kin. A [Set] is tensors by name; it travels
// as msgpack, compressed or not, in base64 ([EncodeSet], [DecodeSet]). The state
// of a model travels as safetensors ([EncodeState], [DecodeState]).
//
// The package knows neither models nor RunPod and imports nothing else of ours.
//
// Numbers keep their type: float64 goes as float64, and becomes float32 only
// where it is asked for, with [FromAs] or [Tensor.To].
//
// Memory is shared where layouts agree, as it is between slices: a tensor of a
// *mat.Dense without gaps between rows is the matrix's own memory, and Dense of a
// float64 tensor is the tensor's own. Clone makes a copy. That keeps an array on
// its way to the wire at one copy, the base64 text, and on its way back at two,
// the text and the bytes. Who changes an array while it is being encoded sends
// what the race leaves.
//
//	dtype.go        element types and their names
//	tensor.go       Tensor: validation, finiteness, copies, digests
//	from.go         Go values to tensors
//	to.go           tensors to Go values
//	convert.go      one dtype to another; half precision in half.go
//	set.go          Set and its msgpack form
//	envelope.go     Set in base64, compressed or not
//	safetensors.go  the safetensors format
//	state.go        model state as text
//	delta.go        a state as its difference to another
//	errors.go       what can go wrong
//
// Package tensors/bigjson moves texts of that size through encoding/json without
// encoding/json reading them.
package tensors
