package notebook

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/cgo"
)

// Begin reserves the notebook for one unit, from its preparation to its Commit. If two
// units were prepared at the same time, one would take the other's declarations away.
// The caller must call end, which may be called twice.
func (n *Notebook) Begin() (end func()) {
	n.unitMu.Lock()
	return sync.OnceFunc(n.unitMu.Unlock)
}

// Prepare checks cell number count and generates what to compile. It fetches the
// packages that the cell imports and reports that to progress. Mistakes in the
// cell are returned as cell.Errors.
func (n *Notebook) Prepare(ctx context.Context, progress func(line string), count int, code string) (*cell.Unit, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.fetchLocked(ctx, progress)()
	n.renewLocked(ctx, progress)
	n.collided = nil
	c, err := n.cutLocked(ctx, count, code)
	if err != nil {
		return nil, err
	}
	n.cCell = c
	if c == nil {
		u, err := n.cells.Prepare(count, code)
		return u, n.wayOutLocked(err)
	}
	u, err := n.cells.Prepare(count, c.Source)
	return u, inC(c, count, n.wayOutLocked(err))
}

// PrepareCall is like Prepare, for generated code that imports packages under names of
// its own.
func (n *Notebook) PrepareCall(ctx context.Context, progress func(line string), count int, code string, imports map[string]string) (*cell.Unit, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.fetchLocked(ctx, progress)()
	return n.cells.PrepareCall(count, code, imports)
}

// DefineVar prepares the declaration of a variable for a magic.
func (n *Notebook) DefineVar(ctx context.Context, progress func(line string), count int, name, typ string, imports map[string]string) (*cell.Unit, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.fetchLocked(ctx, progress)()
	return n.cells.DefineVar(count, name, typ, imports)
}

// fetchLocked lets the importer fetch packages until done is called. It forgets what
// an earlier cell that was not committed has left.
func (n *Notebook) fetchLocked(ctx context.Context, progress func(line string)) (done func()) {
	n.fetch, n.cCell = &fetching{ctx, progress}, nil
	return func() { n.fetch = nil }
}

// Commit adds the declarations of u to the notebook. Call it when u is loaded, before
// it runs: the declarations of u exist even if it panics.
func (n *Notebook) Commit(u *cell.Unit) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cells.Commit(u)
	if n.cCell != nil {
		n.cCell.Commit()
		n.cCell = nil
	}
}

// Build compiles and links a unit. Remove obj's folder dir once the object is loaded.
func (n *Notebook) Build(ctx context.Context, u *cell.Unit) (dir string, obj *build.Object, err error) {
	if dir, err = n.folder(); err != nil {
		return "", nil, err
	}
	obj, err = n.o.Host.Builder().Cell(ctx, build.Input{Dir: dir, Path: u.PluginPath, Files: u.Files, Imports: u.Imports, Embeds: u.Embeds, EmbedDir: n.o.Home})
	if err == nil {
		return dir, obj, nil
	}
	defer os.RemoveAll(dir)
	if ce, ok := errors.AsType[*build.CommandError](err); ok && ce.Command == "compile" {
		n.mu.Lock()
		defer n.mu.Unlock()
		if es := n.cells.CompilerErrors(ce.Output); len(es) > 0 {
			return "", nil, es
		}
	}
	return "", nil, err
}

// cutLocked removes the C code from a cell and returns it, or nil if there is none.
func (n *Notebook) cutLocked(ctx context.Context, count int, code string) (*cgo.Cell, error) {
	if !strings.Contains(code, `"C"`) {
		return nil, nil
	}
	m, err := n.modulesLocked()
	if err != nil {
		return nil, err
	}
	if n.cgo == nil {
		dir, err := n.folder()
		if err != nil {
			return nil, err
		}
		n.cgo = cgo.New(dir, m.Files)
	}
	c, err := n.cgo.Cell(ctx, code)
	if e, ok := errors.AsType[*cgo.Error](err); ok {
		line := strings.Split(code+strings.Repeat("\n", e.Line), "\n")[e.Line-1]
		return nil, cell.Errors{{Cell: count, Line: e.Line, Col: e.Col, Msg: e.Msg, Hint: e.Hint, Source: line}}
	}
	if c == nil || err != nil || c.Path == "" {
		return c, err
	}
	return c, m.Use(c.Path, c.Dir)
}

// inC replaces the generated names in errors by their C names.
func inC(c *cgo.Cell, count int, err error) error {
	es, ok := errors.AsType[cell.Errors](err)
	if !ok {
		return err
	}
	for i, d := range es {
		es[i].Msg, es[i].Hint = c.Told(d.Msg), c.Told(d.Hint)
		if d.Cell == count {
			es[i].Source = c.Line(d.Line)
		}
	}
	return es
}
