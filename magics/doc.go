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
//	train.go eval.go predict.go status.go sweep.go compare.go files.go   the magics
//	endpoint.go  which endpoint; cost.go what it costs
//	receipt.go   what stands under a result
//	live.go      a training while it runs, in the cell
//	shown.go     a run that a cell shows, from its beginning to its variable
//	describe.go  models and runs in a few words
//	errors.go    errors for people: one line with the next step
//
// How outputs look is in magics/render. The package runs inside the session
// process, so it keeps its dependencies few.
package magics
