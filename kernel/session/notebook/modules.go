package notebook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
)

// exportLocked opens a compiled package for the type checker. If the host does not
// hold the package, it is fetched and compiled now, and loaded before the cell that
// imports it. Packages are fetched only while a cell is being prepared: completion
// uses what is already there.
func (n *Notebook) exportLocked(path string) (io.ReadCloser, error) {
	if n.o.Host.Has(path) {
		return n.o.Host.Export(path)
	}
	if n.fetch == nil {
		return nil, &build.UnknownPackageError{Path: path}
	}
	m, err := n.modulesLocked()
	if err != nil {
		return nil, err
	}
	if _, err := m.Local(n.o.Dir()); err != nil {
		return nil, err
	}
	added, err := m.Add(n.fetch.ctx, n.fetch.progress, path)
	if c, ok := errors.AsType[*build.CollisionError](err); ok {
		n.collided = append(n.collided, collision{path, c})
	}
	if err != nil {
		return nil, err
	}
	n.fresh = append(n.fresh, added...)
	return n.o.Host.Export(path)
}

// modulesLocked creates the state of the notebook's modules on first use.
func (n *Notebook) modulesLocked() (*build.Modules, error) {
	if n.modules == nil {
		dir, err := n.folder()
		if err != nil {
			return nil, err
		}
		if n.modules, err = n.o.Host.Modules(dir); err != nil {
			return nil, err
		}
		n.modules.Env = n.o.Env
	}
	return n.modules, nil
}

// currentLocked returns the path at which cells now find a package: an edited package
// was compiled under another path.
func (n *Notebook) currentLocked(path string) string {
	if n.modules == nil {
		return path
	}
	return n.modules.Current(path)
}

// renewLocked recompiles packages on the local disk if their files have
// changed since they were loaded.
func (n *Notebook) renewLocked(ctx context.Context, progress func(line string)) {
	if n.modules == nil {
		return
	}
	edited := n.modules.Edited()
	if len(edited) == 0 {
		return
	}
	added, err := n.modules.Renew(ctx, nil)
	if err != nil {
		if ctx.Err() == nil {
			progress(fmt.Sprintf("warning: %s changed and does not compile; what was loaded before is used: %v", strings.Join(edited, ", "), err))
		}
		return
	}
	n.fresh = append(n.fresh, added...)
	progress(strings.Join(edited, ", ") + " changed and was compiled again")
}

// Get chooses versions of modules, as go get does. If fresh is set, the loaded
// versions do not count, because the caller will restart the session process.
func (n *Notebook) Get(ctx context.Context, progress func(line string), fresh bool, args ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	m, err := n.modulesLocked()
	if err != nil {
		return err
	}
	if _, err := m.Local(n.o.Dir()); err != nil {
		return err
	}
	return m.Get(ctx, progress, fresh, args...)
}

// Modules lists the modules that the notebook can import from.
func (n *Notebook) Modules() ([]build.Module, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m, err := n.modulesLocked()
	if err != nil {
		return nil, err
	}
	if _, err := m.Local(n.o.Dir()); err != nil {
		return nil, err
	}
	return m.List()
}

// Imported lists the modules that the notebook itself has brought in so far, without
// searching for any.
func (n *Notebook) Imported() (paths []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.modules == nil {
		return nil
	}
	list, _ := n.modules.List()
	for _, m := range list {
		if !m.Ours {
			paths = append(paths, m.Path)
		}
	}
	return paths
}

// A collision is an import that wants another version of a loaded module.
type collision struct {
	path string
	err  *build.CollisionError
}

// wayOutLocked adds a hint to imports that collide: what another version would cost.
func (n *Notebook) wayOutLocked(err error) error {
	es, ok := errors.AsType[cell.Errors](err)
	if !ok {
		return err
	}
	for i := range es {
		for _, c := range n.collided {
			if strings.HasPrefix(es[i].Msg, "cannot import "+strconv.Quote(c.path)) {
				es[i].Hint = collisionHint(c.err, n.cells.Names(), []string{c.path})
			}
		}
		if n.modules != nil {
			es[i].Msg = n.modules.InOriginals(es[i].Msg)
		}
	}
	return es
}

// CollisionHint says how to get the version that args ask for, and what it costs.
func (n *Notebook) CollisionHint(c *build.CollisionError, args []string) string {
	return collisionHint(c, n.Names(), args)
}

func collisionHint(c *build.CollisionError, defined []cell.Name, args []string) string {
	if c.Host {
		if len(args) == 1 && strings.HasPrefix(args[0], c.Module+"@") {
			return fmt.Sprintf("an import without %%go get takes %s", c.Held)
		}
		return fmt.Sprintf("%s is part of the session program: take an older version of what wants the newer one: %%go get %s@VERSION", c.Held, strings.Split(args[0], "@")[0])
	}
	var names []cell.Name
	for _, d := range defined {
		if d.Kind != "import" {
			names = append(names, d)
		}
	}
	cost := "nothing would be lost"
	if len(names) > 0 {
		cost = "lost would be " + NameList(names)
	}
	return fmt.Sprintf("a new session process can (%s): %%go get --restart %s", cost, strings.Join(args, " "))
}

// Original returns the path by which the user knows a package, of which a copy may be loaded.
func (n *Notebook) Original(path string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.modules == nil {
		return path
	}
	return n.modules.Original(path)
}
