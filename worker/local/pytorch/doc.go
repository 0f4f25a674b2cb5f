// Package pytorch lets an endpoint of this machine run jobs that need PyTorch: models that
// are Python source or graphs. Each such job runs in a process of its own, our PyTorch
// worker in the Python that package tensors/python finds. All other jobs run on the Go
// engine. Nothing has to be installed for these.
//
//	handler.go   which jobs go where
//	process.go   a job in a process: its input, its messages, its end
package pytorch
