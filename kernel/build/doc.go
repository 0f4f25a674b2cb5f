// Package build turns the files of a cell into a shared object that the session
// process loads, and makes the session process itself ahead of time (the host).
//
// It knows the Go tool chain but nothing about notebooks: a cell is a set of files,
// a session is a program to link. Prepare makes a host, once for each version of
// Go and of our sources; Open finds it later in milliseconds; the host's Builder
// builds cells.
//
//	host, err := build.Open(dir)
//	obj, err := host.Builder().Cell(ctx, build.Input{...})
//
// All archives of a host are compiled once, with one set of flags, and kept in
// its folder: the host and the cells share types and package variables only if both
// are linked from the same archive.
//
//	prepare.go   Prepare: the steps from sources to a host
//	list.go      compiling packages with go list, keeping their archives
//	store.go     the folder of all hosts: which is the newest, which nothing uses
//	manifest.go  what a host consists of
//	host.go      Open; archives and source folders of packages
//	modules.go   modules that a notebook imports beyond its host, and their versions;
//	             command.go: the go commands that fetch and compile them
//	tags.go      build tags and -mod in the GOFLAGS of the notebook
//	vendor.go    modules in vendor/ of the user's module
//	local.go     modules on the local disk; edit.go: edits to them
//	embed.go     files that go:embed directives name
//	builder.go   the interface of the two ways to build
//	object.go    compiling and linking, shared by both
//	classic.go   ordinary plugins
//	fast.go      plugins against a stub of libhost.so; fasthost.go: that library,
//	             the session program that uses it, the self-test
//	selftest.go  cells that test a new host, including one that stresses the heap;
//	             assumptions.go: facts about Go's source that fast mode depends on
//	whole.go     packages of the host that a cell must hold itself
//	library.go   the symbols of libhost.so; index.go: the same in a file to map;
//	             stub.go: the stub
//	goobj.go     the names that an object file refers to; mangle.go: names in libraries
//	toolchain.go running go, compile and link in a known environment
//	ld/ld.c      a program between the Go linker and the system's linker
package build
