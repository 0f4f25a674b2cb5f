package build

import (
	"context"
	"time"
)

// An Input is a cell to build.
type Input struct {
	Dir     string            // an empty folder for the output
	Path    string            // plugin path, unique among the cells of a process
	Files   map[string]string // source by file name, all in package main
	Imports []string          // import paths that the files use; empty means any

	Embeds   map[string][]string // files by the pattern of the go:embed directive that matches them
	EmbedDir string              // the folder of these files
}

// An Object is a shared object to load.
type Object struct {
	File    string // path
	Compile time.Duration
	Link    time.Duration
}

// A Builder turns cells and packages into shared objects for one host.
// Implementations: classic, fast.
type Builder interface {
	// Cell builds a cell. If it does not compile, the error is a *CommandError with
	// the compiler's output.
	Cell(ctx context.Context, in Input) (*Object, error)
	// Library builds a shared object of packages that the host does not hold. Loading
	// it initialises them.
	Library(ctx context.Context, dir, path string, pkgs []string) (*Object, error)
}
