// Package worker is the contract between those who ask for training and those
// who do it: operations, the model specification, events, results and errors,
// as they travel in RunPod's jobs. It knows neither HTTP nor notebooks.
//
//	request.go          the input of a job
//	model.go            model_config: layers, inference of sizes, checks
//	layers.go           the table of layer types and their parameters
//	hyperparameters.go  how to train
//	event.go            the stream of a training job, results
//	number.go           numbers that may not be finite
//	errors.go           errors that name their place
//
// Implementations: worker/engine trains on the CPU in Go, worker/pytorch is the
// GPU worker. worker/local serves either under RunPod's API. The golden vectors
// in testdata are read by Go and by Python.
package worker
