// Package magics holds the commands of a notebook: training, evaluation,
// prediction and the state of the endpoint. A magic is a call of package
// runpod/train plus rendering; everything it does, Go code in a cell can do.
//
//	magics.go    All: the list
//	command.go   a command with typed options as a magic.Magic: help, completion
//	commandline.go   Command: a magic for a command line, which parses the options itself
//	words.go     the grammar of a line: words, quotes, $variables
//	options.go   parsing of options, the nearest known one
//	vars.go      variables of the session as data and models
//	optional.go  types of options
//	hyperparameters.go   options that set hyperparameters, from the contract
//	data.go      which samples and labels a magic reads
//	train.go eval.go predict.go sweep.go compare.go files.go runs.go attach.go repro.go
//	status.go cancel.go gpu.go bill.go deploy.go check.go   the magics
//	endpoint.go  which endpoint; cost.go what it costs
//	track.go     trackers of a run
//	receipt.go   what stands under a result
//	live.go      a training while it runs, in the cell
//	shown.go     a run that a cell shows, from its beginning to its variable
//	describe.go  models and runs in a few words
//	errors.go    errors for people: one line with the next step
//
// How outputs look is in magics/render. The package runs inside the session
// process, so it keeps its dependencies few.
package magics
