// Package supervisor starts the session process of a notebook, communicates with it, and
// starts another after it ends. It keeps what outlives a process: the environment
// and the folder of the cells, and the standard input.
//
// It does not deal with cells: events of what runs go to its owner.
//
//	supervisor.go  Supervisor: the process now, its environment and folder
//	process.go     Process: start, commands, events, end
//	streams.go     the standard streams, in order with the events
//	crash.go       the report of a dying process, kept from the cell's output
//	memory_linux.go  how much memory a process had; memory_other.go
//	stdin.go       standard input: the person is asked when a cell reads;
//	               stdin_linux.go and stdin_other.go report whether it does
//	envlog.go      what a running cell puts into the environment; shared_linux.go and
//	               shared_other.go: the memory for it
//	pipe_linux.go  pipes for the standard streams; pipe_other.go
package supervisor
