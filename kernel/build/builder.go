package build

import (
	"context"
	"time"
)

// An Input is a cell to build.
type Input struct {
	Dir     string            // an empty folder for what is made
	Path    string            // plugin path, different for each cell of a process
	Files   map[string]string // name to source, all of package main
	Imports []string          // import paths that the files name; empty: anything

	Embeds   map[string][]string // patterns of go:embed directives, and the files they name
	EmbedDir string              // the folder of these files
}

// An Object is a shared object to load.
type Object struct {
	File    string // path
	Compile time.Duration
	Link    time.Duration
}

// A Builder turns cells and packages into shared objects for one host.
// Implementations: classic.
type Builder interface {
	// Cell builds a cell. A *CommandError holds what the compiler says.
	Cell(ctx context.Context, in Input) (*Object, error)
	// Library builds a shared object that brings packages which the host does not
	// hold, and initialises them when it is loaded.
	Library(ctx context.Context, dir, path string, pkgs []string) (*Object, error)
}
