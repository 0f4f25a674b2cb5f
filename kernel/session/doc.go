// Package session runs the cells of a notebook natively compiled. It is the
// kernel's Evaluator: it cuts a cell into Go and magics, has package cell check
// and rewrite the Go and package build compile it, and sends the result to the
// session process, which holds the variables. The session process may die of
// what cells do; this side reports why, says what is gone, and starts another.
//
//	session.go   New, Close, the Evaluator
//	segments.go  a cell's text -> Go and magics
//	execute.go   one cell, segment by segment
//	compiled.go  Go segments: prepare, build, load, run, commit
//	magics.go    magics, those of the kernel itself included
//	process.go   the session process: start, commands, events, end
//	streams.go   its standard streams, in order with its events
//	stdin.go     standard input: the person is asked when a cell reads
//	errors.go    failures as people see them
//	complete.go  completion, inspection
//	frame        what is said between the processes
//	host, rt     the other side
package session
