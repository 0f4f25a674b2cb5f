// Package build turns the files of a cell into a shared object that the session
// process loads, and makes the session process itself ahead of time (the host).
//
// It knows the Go tool chain and nothing of notebooks: a cell is a set of files,
// a session is a program to link. Prepare makes a host, once for each version of
// Go and of our sources; Open finds it again in milliseconds; the host's Builder
// builds cells.
//
//	host, err := build.Open(dir)
//	obj, err := host.Builder().Cell(ctx, build.Input{...})
//
// All archives of a host are compiled once, with one set of flags, and kept in
// its folder: types and package variables are shared between the host and the
// cells only where both come from the same archive.
//
//	prepare.go   Prepare: the steps from sources to a host
//	list.go      compiling packages with go list, keeping their archives
//	store.go     the folder of all hosts: the newest, those in use
//	manifest.go  what a host consists of
//	host.go      Open; archives and source folders of packages
//	modules.go   what a notebook imports beyond a host: modules, their versions
//	tags.go      build tags of the notebook
//	local.go     modules of the local disk, and what is edited in them
//	embed.go     files that go:embed directives name
//	builder.go   the interface of the two ways to build
//	object.go    compiling and linking, which both share
//	classic.go   ordinary plugins
//	fast.go      plugins against a stub of libhost.so; fasthost.go: that library,
//	             the session program that uses it, the self-test
//	selftest.go  cells that try a new host, the heap under stress among them;
//	             assumptions.go: facts of the source of Go that fast mode rests on
//	whole.go     packages of the host that a cell has to hold itself
//	library.go   the symbols of libhost.so; index.go: the same as a file to map;
//	             stub.go: the stub
//	goobj.go     the names that an object file refers to; mangle.go: names in libraries
//	toolchain.go running go, compile and link in a known environment
//	ld/ld.c      between the Go linker and the system's linker
package build
