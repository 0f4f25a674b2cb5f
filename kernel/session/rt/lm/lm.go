// Package lm gives access to the parts of the Go run-time that load a module into a
// running program. They are the functions that package plugin and package
// runtime/pprof use themselves; the run-time keeps them accessible through linkname.
//
// It is a package of its own because declarations without body
// need an empty assembly file, which a package with cgo may not have.
package lm

import (
	_ "plugin" // the linker exports dynamic symbols only if plugin is linked
	_ "unsafe" // for go:linkname
)

// An InitTask is the run-time's record of how far the initialisation of a package has got.
type InitTask struct{}

// LastModuleInit makes the module that was mapped last part of the program:
// its types, itabs and garbage collection data. It returns what remains to be
// initialised, and a message if the module does not fit the program.
//
//go:linkname LastModuleInit plugin.lastmoduleinit
func LastModuleInit() (path string, syms map[string]any, tasks []*InitTask, errtext string)

// DoInit runs the package initialisers that have not run yet.
//
//go:linkname DoInit runtime.doInit
func DoInit(tasks []*InitTask)

// Label is the address of the profiling labels of the calling goroutine, which
// the goroutines it starts inherit; 0 without labels.
//
//go:linkname Label runtime/pprof.runtime_getProfLabel
func Label() uintptr
