package notebook

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/cgo"
)

// A library is a shared object of packages that the host does not hold.
type library struct {
	file     string
	packages []string
	renewed  bool // the packages replace earlier copies of themselves
}

// A Load is something that a session process has to load before it runs a cell.
type Load struct {
	File    string
	Init    []string // packages to initialize
	Skip    []string // the other packages of the library
	Renewed bool     // the packages replace earlier copies of themselves
}

// Loads lists what a process has to load, in this order, for code that imports paths;
// has reports whether the process has initialized a package. Packages that nothing
// needs are not initialized, because one of them may be the one that fails.
func (n *Notebook) Loads(paths []string, has func(path string) bool) (loads []Load) {
	needed := map[string]bool{}
	for _, p := range n.o.Host.Added(paths) {
		needed[p] = !has(p)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.libraries {
		d := Load{File: l.file, Renewed: l.renewed}
		for _, p := range l.packages {
			if needed[p] {
				d.Init = append(d.Init, p)
			} else if !has(p) {
				d.Skip = append(d.Skip, p)
			}
		}
		if len(d.Init) > 0 {
			loads = append(loads, d)
		}
	}
	return loads
}

// Loading reports whether a process may have to load any of the packages in paths.
func (n *Notebook) Loading(paths []string) bool { return len(n.o.Host.Added(paths)) > 0 }

// Loaded records that a process has initialized packages. The next process starts with
// them, because functions that outlive a process may use them, and because nothing
// repeats an import with a blank name.
func (n *Notebook) Loaded(paths []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range paths {
		n.ready[p] = true
	}
}

// Unloaded records that packages that worked in an earlier process no longer work.
func (n *Notebook) Unloaded(paths []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range paths {
		delete(n.ready, p)
	}
}

// Abandon lets the next process start without packages and those that import them. It
// returns the ones among paths that a process would have started with.
func (n *Notebook) Abandon(paths []string) (abandoned []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range paths {
		if n.ready[p] && !slices.Contains(abandoned, p) {
			abandoned = append(abandoned, p)
		}
	}
	maps.DeleteFunc(n.ready, func(p string, _ bool) bool {
		return slices.ContainsFunc(n.o.Host.Added([]string{p}), func(d string) bool { return slices.Contains(abandoned, d) })
	})
	return abandoned
}

// Ready lists the packages that a process starts with. Of packages that were edited
// it lists only the newest copies.
func (n *Notebook) Ready() (paths []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range slices.Sorted(maps.Keys(n.ready)) {
		if n.currentLocked(p) == p {
			paths = append(paths, p)
		}
	}
	return paths
}

// Discard forgets a library that cannot be loaded. Its packages go into another library
// when a cell needs them, except for C code: the cell that contains it fails.
func (n *Notebook) Discard(file string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.libraries, func(l library) bool { return l.file == file })
	if i < 0 {
		return
	}
	for _, p := range n.libraries[i].packages {
		if !isC(p) {
			n.fresh = append(n.fresh, p)
		}
	}
	n.libraries = slices.Delete(n.libraries, i, i+1)
}

func isC(path string) bool { return strings.HasPrefix(path, cgo.Prefix) }

// MakeLibraries links the packages that were compiled since the last call. Call it
// between Begin and its end function.
func (n *Notebook) MakeLibraries(ctx context.Context) error {
	n.mu.Lock()
	fresh := n.fresh
	n.fresh = nil
	n.mu.Unlock()
	groups := n.groups(fresh)
	for i, g := range groups {
		if err := n.makeLibrary(ctx, g); err != nil {
			n.mu.Lock()
			n.fresh = append(slices.Concat(groups[i:]...), n.fresh...)
			n.mu.Unlock()
			return err
		}
	}
	return nil
}

// groups divides new packages, dependencies first, into libraries. Packages on the local
// disk, which change and fail, are kept apart from those they import. Each package of C
// code is kept apart from all others, so that equal names in two of them do not clash.
func (n *Notebook) groups(fresh []string) (groups [][]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var remote, local []string
	for _, p := range fresh {
		switch {
		case isC(p):
			groups = append(groups, []string{p})
		case n.modules != nil && (n.modules.IsLocal(p) || slices.ContainsFunc(n.o.Host.Added([]string{p}), n.modules.IsLocal)):
			local = append(local, p)
		default:
			remote = append(remote, p)
		}
	}
	for _, g := range [][]string{local, remote} {
		if len(g) > 0 {
			groups = append([][]string{g}, groups...)
		}
	}
	return groups
}

func (n *Notebook) makeLibrary(ctx context.Context, paths []string) error {
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
	defer n.mu.Unlock()
	renewed := n.modules != nil && slices.ContainsFunc(paths, n.modules.IsCopy)
	n.libraries = append(n.libraries, library{obj.File, paths, renewed})
	return nil
}

// A MissingSymbolError reports C code that uses a name that nothing defines.
type MissingSymbolError struct {
	Name string
	Err  error // of the dynamic linker
}

func (e *MissingSymbolError) Error() string {
	return fmt.Sprintf("C: nothing defines %s, or it is static and used as a variable or pointer; a library is named by a line #cgo LDFLAGS: -lname in the C code", e.Name)
}

func (e *MissingSymbolError) Unwrap() error { return e.Err }

// noSymbol matches the dynamic linker's error for a name that nothing defines.
var noSymbol = regexp.MustCompile(`undefined symbol: (\w+)`)

// InC explains an error from loading a library, if C code caused it.
func (l Load) InC(err error) error {
	if !slices.ContainsFunc(l.Init, isC) {
		return err
	}
	if m := noSymbol.FindStringSubmatch(err.Error()); m != nil {
		return &MissingSymbolError{m[1], err}
	}
	return err
}
