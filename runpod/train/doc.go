// Package train trains, evaluates and uses models on a RunPod endpoint, from
// ordinary Go.
//
//	model, err := train.Fit(ctx, train.Layers("linear 64\nrelu\nlinear 10"),
//		train.Data{X: X, Y: y}, train.Options{Epochs: 20, ValidationSplit: 0.2})
//	classes, err := model.Classes(Xtest)
//
// X and y are gonum matrices or slices. Everything goes over the job API of
// package runpod; an endpoint on this machine is only another address (see
// Endpoint). The package knows neither notebooks nor how a worker computes.
//
//	errors.go    what can go wrong
//	history.go   the course of the training as slices
//	place.go     names of packages place and transfer that belong to a training
//	receipt.go   what it takes to repeat a run
//	model.go     a trained model: predict, continue, weights
//	slices.go    predictions larger than an answer
//	classes.go   labels that are texts; outputs as classes and labels
//	spec.go      what may stand for a model
//	record.go    the run store: where a run comes from, what it keeps
//	options.go   how to train, with defaults; number.go: numbers that may be not given
//	observe.go   Observer: what follows a run; its events and notices
//	prepared.go  PrepareData: data read, converted and hashed once
//	data.go      what may stand for data, and what is wrong with it
//	evaluate.go  metrics of a model on data; compare.go: which of several is best
//	plan.go      Prepare: all that is known before a job is sent; advice.go: what would waste it
//	estimate.go  what a training will take
//	resume.go    a training that an earlier process began
//	delta.go     states that travel as differences
//	job.go       one job: submit, follow, cancel, read its output
//	collect.go   what a worker kept of an interrupted run
//	fit.go       Fit: send the job, follow it, assemble the model
//	attach.go    following a run of another process
//	batch.go     Batch: several things in one job
//	save.go      models in files; export.go for other programs
//
// What a failure leaves behind:
//
//	Prepare            nothing was sent
//	Fit, job refused   nothing runs; but after runpod.ErrUnknownOutcome a job may
//	Fit, stream lost   nothing is lost: the job's output repeats the stream
//	Fit, job failed    the model holds the epochs that were told of, no weights
//	Fit, ctx ended     the same; the job is cancelled, or the *InterruptedError
//	                   says that it could not be
//	Predict, Evaluate  the model is as it was; when ctx ends the job is cancelled
//	Save               the file is as it was
//
// Models compute in float32: float64 data is sent as float32, half the bytes.
// What is wrong with data, model or options is found before anything is sent.
package train
