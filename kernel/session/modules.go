package session

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/cgo"
)

// export opens a compiled package for the type checker. One that the host does
// not hold is fetched and compiled now, and loaded before the cell that imports
// it. Only cells that run do that: completion looks at what is there.
func (s *Session) export(path string) (io.ReadCloser, error) {
	if s.o.Host.Has(path) {
		return s.o.Host.Export(path)
	}
	s.mu.Lock()
	x := s.current
	s.mu.Unlock()
	if x == nil || !s.preparing.Load() {
		return nil, &build.UnknownPackageError{Path: path}
	}
	m, err := s.modulesOf()
	if err != nil {
		return nil, err
	}
	if _, err := m.Local(s.folderOfCells()); err != nil {
		return nil, err
	}
	added, err := m.Add(x.ctx, s.progress(x), path)
	if c, ok := errors.AsType[*build.CollisionError](err); ok {
		s.collided = append(s.collided, collided{path, c})
	}
	if err != nil {
		return nil, err
	}
	s.fresh = append(s.fresh, added...)
	return s.o.Host.Export(path)
}

// modulesOf makes the state of the notebook's modules when the first is wanted.
func (s *Session) modulesOf() (*build.Modules, error) {
	if s.modules == nil {
		dir, err := s.folder()
		if err != nil {
			return nil, err
		}
		if s.modules, err = s.o.Host.Modules(dir); err != nil {
			return nil, err
		}
		s.modules.Env = s.environment
	}
	return s.modules, nil
}

// folderOfCells is the folder that cells are in, where go.mod and go.work are
// looked for.
func (s *Session) folderOfCells() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, dir := range []string{s.dir, s.o.Dir} {
		if dir != "" {
			return dir
		}
	}
	dir, _ := os.Getwd()
	return dir
}

// progress tells the cell what is fetched.
func (s *Session) progress(x *execution) func(string) {
	return func(line string) { x.out.Stream("stderr", []byte(line+"\n")) }
}

// currentPath is where cells find a package now.
func (s *Session) currentPath(path string) string {
	renames := s.renames.Load()
	if renames == nil {
		return path
	}
	best := ""
	for mod := range *renames {
		if (path == mod || strings.HasPrefix(path, mod+"/")) && len(mod) > len(best) {
			best = mod
		}
	}
	if best == "" {
		return path
	}
	return (*renames)[best] + path[len(best):]
}

// prepare checks a cell and generates what to compile; packages that it imports
// are fetched.
func (s *Session) prepare(x *execution, code string) (*cell.Unit, error) {
	s.renew(x)
	s.cellMu.Lock()
	defer s.cellMu.Unlock()
	s.preparing.Store(true)
	defer s.preparing.Store(false)
	c, err := s.cutC(x, code)
	if err != nil {
		return nil, err
	}
	s.cell, s.collided = c, nil
	if c == nil {
		u, err := s.cells.Prepare(x.cell.Count, code)
		return u, s.wayOut(err)
	}
	u, err := s.cells.Prepare(x.cell.Count, c.Source)
	return u, inC(c, x.cell.Count, s.wayOut(err))
}

// A collided import wants another version of a loaded module.
type collided struct {
	path string
	err  *build.CollisionError
}

// wayOut adds to imports that collide what they would cost.
func (s *Session) wayOut(err error) error {
	es, ok := errors.AsType[cell.Errors](err)
	if !ok {
		return err
	}
	for _, c := range s.collided {
		for i := range es {
			if strings.HasPrefix(es[i].Msg, "cannot import "+strconv.Quote(c.path)) {
				es[i].Hint = s.collisionHint(c.err, []string{c.path})
			}
		}
	}
	return es
}

// cutC takes the C code out of a cell; nil where there is none.
func (s *Session) cutC(x *execution, code string) (*cgo.Cell, error) {
	if !strings.Contains(code, `"C"`) {
		return nil, nil
	}
	m, err := s.modulesOf()
	if err != nil {
		return nil, err
	}
	if s.cgo == nil {
		dir, err := s.folder()
		if err != nil {
			return nil, err
		}
		s.cgo = cgo.New(dir, m.Files)
	}
	c, err := s.cgo.Cell(x.ctx, code)
	if e, ok := errors.AsType[*cgo.Error](err); ok {
		line := strings.Split(code+strings.Repeat("\n", e.Line), "\n")[e.Line-1]
		return nil, cell.Errors{{Cell: x.cell.Count, Line: e.Line, Col: e.Col, Msg: e.Msg, Hint: e.Hint, Source: line}}
	}
	if c == nil || err != nil || c.Path == "" {
		return c, err
	}
	return c, m.Use(c.Path, c.Dir)
}

// inC puts C's names in the place of those that the cell has for them.
func inC(c *cgo.Cell, n int, err error) error {
	es, ok := errors.AsType[cell.Errors](err)
	if !ok {
		return err
	}
	for i, d := range es {
		es[i].Msg, es[i].Hint = c.Told(d.Msg), c.Told(d.Hint)
		if d.Cell == n {
			es[i].Source = c.Line(d.Line)
		}
	}
	return es
}

// renew compiles packages of the local disk again whose files have changed since
// they were loaded.
func (s *Session) renew(x *execution) {
	s.cellMu.Lock()
	defer s.cellMu.Unlock()
	if s.modules == nil {
		return
	}
	edited := s.modules.Edited()
	if len(edited) == 0 {
		return
	}
	added, err := s.modules.Renew(x.ctx, nil)
	if err != nil {
		if x.ctx.Err() == nil {
			x.out.Stream("stderr", fmt.Appendf(nil, "warning: %s changed and does not compile; what was loaded before is used: %v\n", strings.Join(edited, ", "), err))
		}
		return
	}
	s.fresh = append(s.fresh, added...)
	renames := s.modules.Renames()
	s.renames.Store(&renames)
	x.out.Stream("stderr", fmt.Appendf(nil, "%s changed and was compiled again\n", strings.Join(edited, ", ")))
}

const goHelp = `%go get path@version ...   use a version of a module; @latest, @none and branches as in go get
%go get --restart path@v   the same where another version is loaded: starts a new, empty session process
%go list                   the modules that the notebook uses
%go list -m all            those that ours brings as well
%go version                the Go that compiles the cells
%go doc name               the same as %doc
%go env, vet, run ...      any other command of go, in the folder of the cells
Importing a package fetches its module by itself; %go get chooses the version.
A go.mod or go.work above the folder of the notebook is honoured: its module can be imported, and is compiled again when
its files have changed.`

// goCommand is the magic %go.
func (s *Session) goCommand(x *execution, seg segment) error {
	args := strings.Fields(seg.args)
	if len(args) == 0 {
		return usage("%%go needs a command: %%go get path@version, %%go list; %%go? says more")
	}
	switch args[0] {
	case "get":
		return s.goGet(x, args[1:])
	case "list":
		if len(args) == 1 || slices.Equal(args[1:], []string{"-m", "all"}) {
			return s.goList(x, len(args) > 1)
		}
	case "version":
		if len(args) == 1 {
			mode, _ := s.o.Host.Mode()
			x.out.Stream("stdout", fmt.Appendf(nil, "go version %s, cells in %s mode\n", s.o.Host.GoVersion(), mode))
			return nil
		}
	case "doc":
		return s.doc(x, segment{args: strings.Join(args[1:], " ")})
	case "test":
		if len(args) == 1 || strings.HasPrefix(args[1], "-") && !strings.Contains(seg.args, "./") {
			return usage("%%test runs the tests of cells; for those of a folder: !go test ./...")
		}
	}
	return s.magic(x, segment{kind: shell, name: "bash", args: "go " + seg.args})
}

func (s *Session) goGet(x *execution, args []string) error {
	restart := slices.Contains(args, "--restart")
	args = slices.DeleteFunc(args, func(a string) bool { return a == "--restart" })
	if len(args) == 0 {
		return usage("%%go get needs a module: %%go get golang.org/x/text@latest")
	}
	s.cellMu.Lock()
	defer s.cellMu.Unlock()
	m, err := s.modulesOf()
	if err != nil {
		return err
	}
	if _, err := m.Local(s.folderOfCells()); err != nil {
		return err
	}
	err = m.Get(x.ctx, s.progress(x), restart, args...)
	if c, ok := errors.AsType[*build.CollisionError](err); ok {
		return s.collision(c, args)
	}
	if err != nil || !restart {
		return moduleError(err)
	}
	return s.empty(x, s.cells.Restart)
}

// collision says what another version of a loaded package costs, and how to have
// it.
func (s *Session) collision(c *build.CollisionError, args []string) error {
	return usage("%v; %s", c, s.collisionHint(c, args))
}

func (s *Session) collisionHint(c *build.CollisionError, args []string) string {
	if c.Host {
		if len(args) == 1 && strings.HasPrefix(args[0], c.Module+"@") {
			return fmt.Sprintf("an import without %%go get takes %s", c.Held)
		}
		return fmt.Sprintf("%s is part of the session program: take an older version of what wants the newer one: %%go get %s@VERSION", c.Held, strings.Split(args[0], "@")[0])
	}
	var names []cell.Name
	for _, n := range s.cells.Names() {
		if n.Kind != "import" {
			names = append(names, n)
		}
	}
	cost := "nothing would be lost"
	if len(names) > 0 {
		cost = "lost would be " + nameList(names)
	}
	return fmt.Sprintf("a new session process can (%s): %%go get --restart %s", cost, strings.Join(args, " "))
}

// moduleError makes what is wrong with a module one line for people.
func moduleError(err error) error {
	if fe, ok := errors.AsType[*build.FetchError](err); ok {
		return evalError(nameMagic, fe.Text)
	}
	return err
}

func (s *Session) goList(x *execution, all bool) error {
	s.cellMu.Lock()
	defer s.cellMu.Unlock()
	m, err := s.modulesOf()
	if err != nil {
		return err
	}
	if _, err := m.Local(s.folderOfCells()); err != nil {
		return moduleError(err)
	}
	list, err := m.List()
	if err != nil {
		return err
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range list {
		if l.Ours && !all || strings.HasPrefix(l.Path, cgo.Prefix) {
			continue
		}
		where, loaded := l.Version, ""
		if l.Dir != "" {
			where = "=> " + l.Dir
		}
		if l.Loaded {
			loaded = "loaded"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.Path, where, loaded)
	}
	w.Flush()
	for l := range strings.Lines(b.String()) {
		x.out.Stream("stdout", []byte(strings.TrimRight(l, " \n")+"\n"))
	}
	return nil
}

// empty replaces the session process by a new one and forgets what was loaded;
// forget is what to forget of the cells. cellMu is held.
func (s *Session) empty(x *execution, forget func()) error {
	s.mu.Lock()
	p := s.proc
	s.proc = nil
	s.mu.Unlock()
	if p != nil {
		p.close()
	}
	s.libs, s.fresh = nil, nil
	if s.modules != nil {
		s.modules.Forget()
		s.renames.Store(nil)
	}
	if s.cgo != nil {
		s.cgo.Forget()
	}
	forget()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.startLocked()
	x.out.Stream("stdout", []byte("all variables, functions, types and imports are gone\n"))
	return s.procErr
}
