// Package notebook holds what the cells of a notebook have declared, and turns
// the next cell into an object that the session process can load. It fetches and
// compiles what a cell imports beyond the host, and keeps the list of the
// libraries that a new session process needs.
//
// It does not deal with processes: package session loads what it builds.
//
//	notebook.go  Notebook: the cells, their folder, completion and inspection
//	unit.go      a cell -> a unit -> an object
//	modules.go   packages that the host does not hold: fetched, edited, forgotten
//	library.go   those packages -> shared libraries
//	names.go     lists of names and cells, in words
package notebook
