// Package magics holds the commands of a notebook: training, evaluation,
// prediction and the state of the endpoint. A magic is a call of package
// runpod/train plus rendering; everything it does, Go code in a cell can do.
//
//	magics.go    All: the list
//
// Each magic is in the file of its name:
//
//	train.go eval.go predict.go sweep.go compare.go   trainings and their models
//	save.go load.go                                   models in files
//	runs.go history.go logs.go attach.go repro.go     runs of any notebook
//	status.go cancel.go health.go gpu.go cost.go      jobs and the endpoint
//	deploy.go config.go check.go                      the account, settings, the notebook
//
// What they share:
//
//	command.go   a command with typed options as a magic.Magic: help, completion
//	commandline.go   Command: a magic for a command line, which parses the options itself
//	words.go     the grammar of a line: words, quotes, $variables
//	options.go   parsing of options, the nearest known one
//	optional.go  types of options
//	hyperparameters.go   options that set hyperparameters, from the contract
//	data.go      which samples and labels a magic reads
//	vars.go      variables of the session as data and models
//	endpoint.go  which endpoint; price.go what a run costs there; limits.go what may be spent; warm.go a worker that is kept up; time_limit.go how long a job may run
//	findrun.go   runs by name, in the run store
//	receipt.go   what is below a result
//	live.go      a training while it runs, in the cell
//	queue.go     jobs that wait for a worker: --queue-timeout, and the reason in lines
//	shown.go     a run that a cell shows, from its beginning to its variable
//	kept.go      which weights a training left
//	track.go     trackers of a run
//	describe.go  models and runs in a few words
//	errors.go    errors for people: one line with the next step
//
// How outputs look is in magics/render. The package runs inside the session
// process, so it keeps its dependencies few.
package magics
