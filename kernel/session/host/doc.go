// Package host is the session process: it holds the variables, loads and runs
// compiled cells, runs magics, and reports to the kernel process what happens.
//
//	func main() { host.Main(host.Options{Magics: magics}) }
//
// Package session starts it with these files open: 0 empty, 1 and 2 pipes that the
// kernel reads, 3 commands, 4 events. It exits when the kernel closes the commands.
//
//	host.go      Main, the loop over commands
//	env.go       what cells change in the environment
//	run.go       executions: start, interrupt, end
//	library.go   loading packages, as an execution
//	output.go    results and displays, in order with the streams
//	magics.go    what a magic sees: variables, output
//	typetext.go  a type as Go source
//	show.go      a value as a bundle
//	cycle.go     values that contain themselves
//	matrix.go    matrices as text and tables
//	table.go     slices of structs as tables
//	dup_linux.go, dup_other.go  replacing a descriptor by another
//	vars.go      descriptions of the variables
//	builtin.go   the magics that every session has
package host
