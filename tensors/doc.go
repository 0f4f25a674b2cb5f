// Package tensors carries arrays between Go and the wire.
//
// A [Tensor] is a dtype, a shape and little-endian bytes in row-major order. [From]
// makes one from what users have in a notebook (gonum matrices and vectors, slices of
// numbers, slices of rows), and Dense, VecDense, Float64s, Ints and similar methods
// convert it back. A [Set] holds tensors by name; it travels as msgpack, compressed or
// not, in base64 ([EncodeSet], [DecodeSet]). The state of a model travels as
// safetensors ([EncodeState], [DecodeState]).
//
// The package knows neither models nor RunPod and imports nothing else of ours.
//
// Numbers keep their type: float64 travels as float64, and becomes float32 only on
// request, with [FromAs] or [Tensor.To].
//
// Memory is shared if the layouts agree, as it is between slices: the tensor of a
// *mat.Dense without gaps between rows uses the matrix's own memory, and Dense of a
// float64 tensor uses the tensor's. Clone makes a copy. Thus an array is copied once on
// its way to the wire (the base64 text) and twice on its way back (the text and the
// bytes). Changing an array while it is being encoded is a data race; what is sent is
// then unspecified.
//
//	dtype.go        element types and their names
//	tensor.go       Tensor: validation, finiteness, copies, digests
//	from.go         Go values to tensors
//	to.go           tensors to Go values
//	convert.go      one dtype to another; half precision in half.go
//	memory.go       bytes as numbers without a copy
//	set.go          Set and its msgpack form; msgpack.go: the encoding
//	envelope.go     Set in base64, compressed or not; zstd.go: compression
//	safetensors.go  the safetensors format
//	state.go        model state as text
//	argsort.go      indices in the order of values
//	delta.go        a state as its difference from another
//	errors.go       what can go wrong
//
// Package tensors/bigjson passes texts of that size through encoding/json without
// making it read them.
package tensors
