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
//	history.go   the epochs of a training as slices
//	place.go     names of packages place and transfer that belong to a training
//	receipt.go   what is needed to repeat a run
//	model.go     a trained model: predict, continue, weights
//	slices.go    predictions larger than an answer
//	classes.go   text labels; outputs as classes and labels
//	spec.go      the forms in which a model can be given; python.go: as Python source
//	record.go    the run store: where a run comes from, what is kept of it
//	options.go   how to train, with defaults; number.go: optional numbers
//	observe.go   Observer: follows a run; its events and notices
//	prepared.go  PrepareData: reads, converts and hashes data once
//	data.go      the forms in which data can be given, and its checks
//	evaluate.go  metrics of a model on data; compare.go: which of several models is best
//	plan.go      Prepare: checks before a job is sent; advice.go: likely mistakes
//	estimate.go  how much work and memory a training needs; forecast.go: how long it takes and what it costs
//	resume.go    a training that an earlier process began
//	delta.go     states sent as deltas
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
//	Fit, job refused   nothing runs; but after runpod.ErrUnknownOutcome a job may run
//	Fit, stream lost   nothing is lost: the job's output repeats the stream
//	Fit, job failed    the model holds the epochs that were reported, and the weights
//	                   if the worker kept some
//	Fit, ctx done      the same; the job is cancelled, or the *InterruptedError
//	                   says that it could not be
//	Predict, Evaluate  the model is unchanged; when ctx is done the job is cancelled
//	Save               the file is unchanged
//
// Models compute in float32, so float64 data is sent as float32, in half the bytes.
// Mistakes in data, model or options are reported before anything is sent.
package train
