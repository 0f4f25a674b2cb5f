// Package rt is the part of the notebook's run-time that generated cells call.
// Cells import it as nbrt__; users' code never names it.
//
// All cells and the session process share one copy of the package, and cells
// reach it by symbol. That is why its state is package state: one session
// process holds one notebook, and generated code has no value to hang it on.
//
//	cell.go       a running cell: identity by profiling label, start, interrupt
//	chan.go       what replaces blocking operations: Recv, Send, Range, Sleep
//	wait.go       the same for locks and other waits of package sync
//	blocked.go    ending waits for the network and for child processes
//	listen.go     the listeners of an interrupted cell
//	exit.go       os.Exit and log.Fatal end the cell, not the process
//	aside.go      showing values by methods of the user, which may not end
//	deadlock.go   reporting that all goroutines wait for each other
//	goroutine.go  what replaces go statements, so that a panic stays in its cell
//	vars.go       the variables of the session, values on their way into one
//	embed.go      variables with files that were embedded
//	stdout.go     the standard streams of the cell that the caller belongs to
//	envlog.go     what os.Setenv sets, for the kernel process
//	stack.go      the user's frames of a panic
//	load.go       mapping a cell's shared object; quick.go: making it part of the program;
//	              stubframe.go: frames of package reflect
//	arena.go      memory that the objects of many cells share, so that they need few maps;
//	              object.go: what the file of an object has; place.go: what the dynamic
//	              linker does, for objects in arenas; bridge.go: telling it their symbols
//	library.go    the same for packages that the host does not hold, and their initialization
//	itab.go       one itab for each pair of interface and type
//	maps.go       what to say when the process may have no more memory maps
//	janitor.go    forgetting cells that are over
//	lm            the run-time's functions behind load.go
package rt
