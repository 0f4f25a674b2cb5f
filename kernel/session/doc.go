// Package session runs the cells of a notebook natively compiled. It is the
// kernel's Evaluator: it cuts a cell into Go and magics, has the notebook check,
// rewrite and compile the Go, and sends the result to the session process, which
// holds the variables. The session process may die of what cells do; this side
// reports why, says what is gone, and starts another.
//
//	session.go    New, Close, the process that cells run in
//	segments.go   a cell's text -> Go and magics
//	execute.go    one cell, segment by segment; interrupts; events of its run
//	libraries.go  packages that a process has to load first
//	compiled.go   Go segments: prepare, build, load, run, commit
//	sources.go    the text of the cells that ran
//	magics.go     magics; those of the kernel itself:
//	modules.go    %go
//	gotest.go     %test and %bench
//	files.go      %load and %run; paths, completed
//	doc_magic.go  %doc
//	complete.go   completion, help of magics
//	inspect.go    documentation of a name
//	markdown.go   documentation as Markdown that nothing runs in
//	errors.go     failures as people see them
//	notebook      what cells declared, and the next cell -> an object
//	supervisor    the session process: start, commands, streams, end
//	reap          ends what cells have started
//	frame         what the two processes say to each other
//	host, rt      the session process itself; plain: one without our magics
package session
