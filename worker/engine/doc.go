// Package engine trains and evaluates the contract's models on the CPU, in Go, with
// float32 like PyTorch. It is the engine of the embedded endpoint: it needs no Python
// and no account. Its Handler runs a job's input as the GPU worker does.
//
// With the same seed it starts exactly as PyTorch on the CPU does, batch for batch, and
// its losses follow PyTorch's to rounding (the tests compare with figures from
// testdata/make_fixtures.py). The result does not depend on GOMAXPROCS, bit for bit:
// every sum is computed in an order that depends only on the sizes.
//
//	handler.go     operations: a job's input to its output
//	train.go       the loop over epochs and batches; schedule.go: learning rates
//	keep.go        which weights a training leaves, and when it has to stop
//	output.go      the final output of a job that streams
//	room.go        how many bytes a request may decode to
//	evaluate.go    evaluate and predict; metrics.go: figures
//	predecessor.go answers to requests without a protocol
//	info.go        gpu_info and capabilities
//	runs.go        answers a repeated run_id
//	data.go        a request's arrays, checked; source.go: arrays at an address
//	store.go       arrays between jobs; store_state.go: states between jobs
//	state.go       states in and out
//	network.go     a model of layers; layer_build.go makes them
//	layer_activation.go layer_attention.go layer_conv.go layer_linear.go
//	layer_more.go layer_norm.go layer_pool.go layer_recurrent.go layer_shape.go
//	layer_transposed.go
//	               forward and backward of each layer
//	loss.go        losses and their gradients
//	optimizer.go   sgd, adam and related optimizers; Adam's step with AVX2 in
//	               adam_amd64.go, portably in adam_other.go
//	rand.go        PyTorch's generator; init.go: its initialisation
//	parallel.go    division of work
//	vector.go      loops over all numbers; with AVX2 in vector_amd64.go, portably in
//	               vector_other.go
//	sgemm/         matrix products
package engine
