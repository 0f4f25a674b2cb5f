// Package worker is the contract between those who ask for training and those
// who do it: operations, the model specification, events, results and errors,
// as they travel in RunPod's jobs. It knows neither HTTP nor notebooks.
//
//	request.go          the input of a job; value.go: the arrays in it
//	decode.go           its JSON, strictly; strict.go: what all decoders share
//	model.go            model_config and its JSON
//	parse.go            the model as lines, as people write it in a notebook
//	layers.go           the table of layer types and their parameters;
//	                    kinds_*.go: its rows, with the inference of shapes
//	resolve.go          sizes filled in and checked, the state_dict's names
//	hyperparameters.go  how to train, and where random numbers come from
//	event.go            the stream of a training job, results
//	collect.go          events to results and back
//	number.go           numbers that may not be finite
//	errors.go           errors that name their place
//	nearest.go          "did you mean"
//
// Implementations: worker/engine trains on the CPU in Go, worker/pytorch is the
// GPU worker. worker/local serves either under RunPod's API.
//
// The vectors in testdata are for Go and for Python: requests.json is accepted,
// rejected.json is refused at the field that stands there, layers.json has the
// sizes and the state of every layer type, states.json states to go on from.
package worker
