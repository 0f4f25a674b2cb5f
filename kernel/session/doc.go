// Package session compiles the cells of a notebook to native code and runs them. It
// is the kernel's Evaluator: it splits a cell into Go and magics, has the notebook
// check, rewrite and compile the Go, and sends the result to the session process,
// which holds the variables. A cell may crash the session process; this package then
// reports why, lists what was lost, and starts another.
//
//	session.go    New, Close, the process that cells run in
//	segments.go   a cell's text -> Go and magics
//	execute.go    one cell, segment by segment; interrupts; events of its run
//	libraries.go  packages that a process must load first
//	compiled.go   Go segments: prepare, build, load, run, commit
//	sources.go    the text of the cells that ran
//	magics.go     magics, and those of the kernel itself:
//	modules.go    %go
//	gotest.go     %test and %bench
//	files.go      %load and %run; completion of paths
//	doc_magic.go  %doc
//	complete.go   completion, help of magics
//	inspect.go    documentation of a name
//	markdown.go   documentation as Markdown without active content
//	errors.go     failures as users see them
//	notebook      what cells declared; compiles the next cell to an object
//	supervisor    the session process: start, commands, streams, exit
//	reap          kills the processes that cells have started
//	frame         the protocol between the two processes
//	host, rt      the session process itself; plain: one without our magics
package session
