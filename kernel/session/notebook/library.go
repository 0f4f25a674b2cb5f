package notebook

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/cgo"
)

// Libraries are the shared objects that a session process has to load before it
// runs another cell, in their order.
func (n *Notebook) Libraries() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.libraries)
}

// LoadFresh makes libraries of the packages that were compiled since the last call
// and calls load after each. The caller is between Begin and its end. A library
// that cannot be loaded is not part of the notebook.
func (n *Notebook) LoadFresh(ctx context.Context, load func() error) error {
	n.mu.Lock()
	fresh := n.fresh
	n.fresh = nil
	n.mu.Unlock()
	// Each package of C code has a library of its own, so that equal names in two
	// of them do not clash.
	isC := func(path string) bool { return strings.HasPrefix(path, cgo.Prefix) }
	c := slices.DeleteFunc(slices.Clone(fresh), func(p string) bool { return !isC(p) })
	if fresh = slices.DeleteFunc(fresh, isC); len(fresh) > 0 {
		if err := n.loadLibrary(ctx, fresh, load); err != nil {
			n.mu.Lock()
			n.fresh = append(fresh, n.fresh...)
			n.mu.Unlock()
			return err
		}
	}
	for _, path := range c {
		before := len(n.Libraries())
		if err := n.loadLibrary(ctx, []string{path}, load); err != nil {
			n.mu.Lock()
			n.libraries = n.libraries[:before] // no other cell wants it
			n.mu.Unlock()
			return inLibrary(err)
		}
	}
	return nil
}

func (n *Notebook) loadLibrary(ctx context.Context, paths []string, load func() error) error {
	dir, err := n.folder()
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.made++
	name := fmt.Sprintf("nblib%d", n.made)
	n.mu.Unlock()
	obj, err := n.o.Host.Builder().Library(ctx, dir, name, paths)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.libraries = append(n.libraries, obj.File)
	n.mu.Unlock()
	return load()
}

// A MissingSymbolError reports C code that uses a name which nothing defines.
type MissingSymbolError struct {
	Name string
	Err  error // of the dynamic linker
}

func (e *MissingSymbolError) Error() string {
	return fmt.Sprintf("C: nothing defines %s, or it is static and used as a variable or pointer; a library is named by a line #cgo LDFLAGS: -lname in the C code", e.Name)
}

func (e *MissingSymbolError) Unwrap() error { return e.Err }

// noSymbol is what the dynamic linker says of a name that nothing defines.
var noSymbol = regexp.MustCompile(`undefined symbol: (\w+)`)

// inLibrary makes a MissingSymbolError of what the dynamic linker said.
func inLibrary(err error) error {
	if m := noSymbol.FindStringSubmatch(err.Error()); m != nil {
		return &MissingSymbolError{m[1], err}
	}
	return err
}
