// Package worker is the contract between clients and the workers that train:
// operations, the model specification, events, results and errors, as they
// travel in RunPod's jobs. It knows neither HTTP nor notebooks.
//
//	request.go          the input of a job; value.go: the arrays in it; list.go: arrays as JSON lists
//	source.go           addresses to read arrays from and to send states to
//	decode.go           its JSON, strictly; strict.go: what all decoders share
//	model.go            model_config and its JSON
//	parse.go            the model as lines, as people write it in a notebook; yaml.go: as YAML;
//	                    python.go: as Python
//	layers.go           the layer types: their rows are in package contract; the rules of
//	                    each, its shapes and its state, are in kinds_activation.go,
//	                    kinds_conv.go, kinds_linear.go, kinds_norm.go, kinds_pool.go,
//	                    kinds_sequence.go and kinds_shape.go
//	shape.go            what the rules need to infer shapes
//	resolve.go          sizes filled in and checked, the state_dict's names
//	title.go            a model in a line
//	states.go           the states of a request or a result
//	step.go             a resolved layer and its parameters
//	batches.go          how many samples a batch needs at least
//	hyperparameters.go  how to train, and where random numbers come from
//	given.go            which hyperparameters were given: zero is a value
//	predecessor.go      what requests without a protocol may lack
//	validate.go         hyperparameters checked against the contract
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
// rejected.json is refused with the field that it names, vectors.json has every row of
// the contract at its bounds and with wrong types, layers.json has the sizes and the
// state of every layer type, states.json has states to go on from, predecessor.json has the
// requests of the predecessor with the fields of its answers.
package worker
