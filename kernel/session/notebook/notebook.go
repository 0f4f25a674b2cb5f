package notebook

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/cgo"
	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// Options configures a Notebook. All fields are required.
type Options struct {
	Host *build.Host
	// Cells configures the checker. New sets its Importer, Dir, Packages, Current
	// and Fast.
	Cells cell.Config
	// Env returns the environment of the cells, and Dir the folder they run in.
	Env func() []string
	Dir func() string
	// Home is the folder of the notebook.
	Home string
}

// A Notebook is what the cells so far have declared. Its methods may be called
// from any goroutine.
type Notebook struct {
	o Options

	work    *scratch.Folder // for what is built
	workErr error           // why work could not be made
	builds  atomic.Int64

	unitMu sync.Mutex // see Begin

	mu        sync.Mutex
	cells     *cell.Session
	fetch     *fetching // nil unless a cell is being prepared
	collided  []collision
	modules   *build.Modules  // nil before the first import beyond the host
	cgo       *cgo.Notebook   // nil before the first cell with C code
	cCell     *cgo.Cell       // the C code of the cell being prepared; nil if it has none
	fresh     []string        // packages compiled and not yet in a library
	libraries []library       // in loading order
	ready     map[string]bool // packages that a process has initialized
	made      int             // libraries made so far
}

// fetching is the cell that packages may be fetched for.
type fetching struct {
	ctx      context.Context
	progress func(line string)
}

// New creates an empty notebook. Remove removes its folder.
func New(o Options) *Notebook {
	n := &Notebook{o: o, ready: map[string]bool{}}
	n.work, n.workErr = scratch.Make()
	mode, _ := o.Host.Mode()
	c := o.Cells
	c.Importer, c.Dir, c.Packages, c.Current, c.Fast = n.exportLocked, n.sourceDir, o.Host.Packages, n.currentLocked, mode == build.Fast
	c.Embed = func(pattern string) ([]string, error) { return build.Embedded(o.Home, pattern) }
	c.GoVersion = o.Host.GoVersion()
	n.cells = cell.New(c)
	return n
}

// Remove removes everything that was built.
func (n *Notebook) Remove() {
	n.work.Close()
}

// Work returns the notebook's private folder, or "" if it could not be created.
func (n *Notebook) Work() string {
	if n.workErr != nil {
		return ""
	}
	return n.work.Path
}

// folder creates an empty folder to build in.
func (n *Notebook) folder() (string, error) {
	if n.workErr != nil {
		return "", fmt.Errorf("session: %w", n.workErr)
	}
	dir := filepath.Join(n.work.Path, fmt.Sprint(n.builds.Add(1)))
	return dir, os.Mkdir(dir, 0o700)
}

// Builds returns the number of builds so far.
func (n *Notebook) Builds() int { return int(n.builds.Load()) }

// sourceDir finds the source of a package, for documentation.
func (n *Notebook) sourceDir(path string) (string, error) {
	if d, ok := n.o.Host.Dir(path); ok {
		return d, nil
	}
	return "", &build.UnknownPackageError{Path: path}
}

// Names lists what the notebook defines, sorted by name.
func (n *Notebook) Names() []cell.Name {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cells.Names()
}

// IsVar reports whether name is a variable.
func (n *Notebook) IsVar(name string) bool {
	for _, d := range n.Names() {
		if d.Name == name {
			return d.Kind == "var"
		}
	}
	return false
}

// IsPlainCall reports whether path, such as "x.Field.Method", names a method that
// can be called without arguments and without the compiler.
func (n *Notebook) IsPlainCall(path string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cells.PlainCall(strings.Split(path, "."))
}

// Complete lists the possible completions at pos in code, which is Go.
func (n *Notebook) Complete(code string, pos int) (ms []cell.Match, start, end int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cells.Complete(code, pos)
}

// Inspect describes the name at pos in code, which is Go.
func (n *Notebook) Inspect(code string, pos, detail int) (cell.Info, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cells.Inspect(code, pos, detail)
}

// Lost forgets what was lost with a session process and returns its names. Libraries
// are kept: the next process loads them.
func (n *Notebook) Lost() []cell.Name {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cells.Reset()
}

// Forget empties the notebook: the next process starts with nothing loaded.
func (n *Notebook) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.libraries, n.fresh, n.ready = nil, nil, map[string]bool{}
	if n.modules != nil {
		n.modules.Forget()
	}
	if n.cgo != nil {
		n.cgo.Forget()
	}
	n.cells.Restart()
}
