package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/cgo"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// goSegment runs Go.
func (s *Session) goSegment(x *execution, src string) error {
	if done, err := s.shortcut(x, src); done {
		return err
	}
	u, err := s.prepare(x, src)
	if err != nil {
		return s.prepareError(x, err)
	}
	for _, w := range u.Warnings {
		x.out.Stream("stderr", []byte("warning: "+w+"\n"))
	}
	_, err = s.runUnit(x, u)
	return err
}

func (s *Session) prepareError(x *execution, err error) error {
	var es cell.Errors
	if errors.As(err, &es) && x.ctx.Err() == nil {
		return compileError(es)
	}
	return err
}

// runUnit builds a unit, loads and runs it. The notebook has its declarations
// from the moment it is loaded, even if it panics.
func (s *Session) runUnit(x *execution, u *cell.Unit) (frame.Event, error) {
	if u.Empty {
		s.commit(u)
		return frame.Event{}, nil
	}
	p, err := s.process(x.out)
	if err != nil {
		return frame.Event{}, err
	}
	if err := s.buildLibrary(x.ctx, p); err != nil {
		return frame.Event{}, err
	}
	dir, obj, err := s.build(x.ctx, u)
	if err != nil {
		return frame.Event{}, err
	}
	defer os.RemoveAll(dir) // mapped: the file may go
	e, err := s.start(x, p, frame.Command{Op: frame.Run, File: obj.File, Entry: u.Entry, Timers: s.useTimers()}, func() { s.commit(u) })
	s.o.Log(fmt.Sprintf("cell %d: compile %v, link %v, map %d µs, init %d µs, run %d µs", u.N, obj.Compile, obj.Link, e.Micros[0], e.Micros[1], e.Micros[2]))
	return e, err
}

// timers are what wakes a goroutine that waits, besides other goroutines.
var timers = regexp.MustCompile(`\b(time\.(After|Tick|New|AfterFunc)|context\.With(Timeout|Deadline)|signal\.Notify|synctest)`)

// useTimers says whether cells of the notebook use timers.
func (s *Session) useTimers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lines := range s.sources {
		for _, l := range lines {
			if strings.Contains(l, ".") && timers.MatchString(l) {
				return true
			}
		}
	}
	return false
}

func (s *Session) commit(u *cell.Unit) {
	s.cellMu.Lock()
	defer s.cellMu.Unlock()
	s.cells.Commit(u)
	if s.cell != nil {
		s.cell.Commit()
		s.cell = nil
	}
}

// folder makes an empty folder to build in.
func (s *Session) folder() (string, error) {
	if s.made != nil {
		return "", fmt.Errorf("session: %w", s.made)
	}
	s.mu.Lock()
	s.builds++
	dir := filepath.Join(s.work, fmt.Sprint(s.builds))
	s.mu.Unlock()
	return dir, os.Mkdir(dir, 0o700)
}

func (s *Session) build(ctx context.Context, u *cell.Unit) (string, *build.Object, error) {
	dir, err := s.folder()
	if err != nil {
		return "", nil, err
	}
	obj, err := s.o.Host.Builder().Cell(ctx, build.Input{Dir: dir, Path: u.PluginPath, Files: u.Files, Imports: u.Imports})
	if err == nil {
		return dir, obj, nil
	}
	defer os.RemoveAll(dir)
	var ce *build.CommandError
	if errors.As(err, &ce) && ce.Command == "compile" {
		if es := s.cells.CompilerErrors(ce.Output); len(es) > 0 {
			return "", nil, compileError(es)
		}
	}
	return "", nil, err
}

// buildLibrary brings packages that were added since into the session.
func (s *Session) buildLibrary(ctx context.Context, p *process) error {
	s.cellMu.Lock()
	fresh := s.fresh
	s.fresh = nil
	s.cellMu.Unlock()
	// Each package of C code has a library of its own: what two define does not meet.
	isC := func(path string) bool { return strings.HasPrefix(path, cgo.Prefix) }
	c := slices.DeleteFunc(slices.Clone(fresh), func(p string) bool { return !isC(p) })
	if fresh = slices.DeleteFunc(fresh, isC); len(fresh) > 0 {
		if err := s.loadLibrary(ctx, p, fresh); err != nil {
			s.cellMu.Lock()
			s.fresh = append(fresh, s.fresh...)
			s.cellMu.Unlock()
			return err
		}
	}
	for _, path := range c {
		libs := len(s.libs)
		if err := s.loadLibrary(ctx, p, []string{path}); err != nil {
			s.libs = s.libs[:libs] // no other cell wants it
			return inLibrary(err)
		}
	}
	return nil
}

func (s *Session) loadLibrary(ctx context.Context, p *process, paths []string) error {
	dir, err := s.folder()
	if err != nil {
		return err
	}
	s.libraries++
	obj, err := s.o.Host.Builder().Library(ctx, dir, fmt.Sprintf("nblib%d", s.libraries), paths)
	if err != nil {
		return err
	}
	s.libs = append(s.libs, obj.File)
	return s.loadLibraries(p)
}

// noSymbol is what the dynamic linker says of a name that nothing defines.
var noSymbol = regexp.MustCompile(`undefined symbol: (\w+)`)

// inLibrary says what is wrong with C code that cannot be loaded.
func inLibrary(err error) error {
	if m := noSymbol.FindStringSubmatch(err.Error()); m != nil {
		return evalError(nameCompile, fmt.Sprintf("C: nothing defines %s, or it is static and used as a variable or pointer; a library is named by a line #cgo LDFLAGS: -lname in the C code", m[1]))
	}
	return err
}

// define makes a variable for a magic: a small cell declares it and fetches the
// value that waits in the session.
func (s *Session) define(p *process, r *run, e frame.Event) {
	answer := frame.Command{Op: frame.Answer, Reply: e.Reply}
	if err := s.defineVar(p, r, e); err != nil {
		answer.Err = err.Error()
	}
	p.send(answer)
}

func (s *Session) defineVar(p *process, r *run, e frame.Event) error {
	s.cellMu.Lock()
	s.preparing.Store(true)
	u, err := s.cells.DefineVar(r.x.cell.Count, e.Name, e.Text, e.Imports)
	s.preparing.Store(false)
	s.cellMu.Unlock()
	if err != nil {
		return err
	}
	if err := s.buildLibrary(r.x.ctx, p); err != nil {
		return err
	}
	dir, obj, err := s.build(r.x.ctx, u)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = s.start(r.x, p, frame.Command{Op: frame.Run, File: obj.File, Entry: u.Entry}, func() { s.commit(u) })
	return err
}

var selector = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)*$`)

// shortcut shows a variable or a field, or calls a method without arguments,
// without compiling anything.
func (s *Session) shortcut(x *execution, src string) (done bool, err error) {
	src = strings.TrimSpace(src)
	if call, ok := strings.CutSuffix(src, "()"); ok && selector.MatchString(call) && s.plainCall(call) {
		p, err := s.process(x.out)
		if err != nil || !s.plainCall(call) { // lost with the process
			return err != nil, err
		}
		_, err = s.start(x, p, frame.Command{Op: frame.Run, Name: call}, func() {})
		return true, err
	}
	if !selector.MatchString(src) || !s.isVar(strings.SplitN(src, ".", 2)[0]) {
		return false, nil
	}
	p, err := s.process(x.out)
	if err != nil || !s.isVar(strings.SplitN(src, ".", 2)[0]) { // lost with the process
		return err != nil, err
	}
	e, err := p.ask(x.ctx.Done(), frame.Command{Op: frame.Value, Text: src})
	if err != nil {
		return true, s.lost(p, err)
	}
	if e.Err != "" { // a method, an unexported field: the compiler knows
		return false, nil
	}
	if len(e.Data) > 0 {
		x.out.Result(bundle(e.Data), metadata(e.Metadata))
	}
	return true, nil
}

func (s *Session) plainCall(path string) bool {
	s.cellMu.Lock()
	defer s.cellMu.Unlock()
	return s.cells.PlainCall(strings.Split(path, "."))
}

// lost tells the end of the process where err says so.
func (s *Session) lost(p *process, err error) error {
	if errors.Is(err, errExited) {
		return s.buried(p)
	}
	return err
}

func (s *Session) isVar(name string) bool {
	s.cellMu.Lock()
	defer s.cellMu.Unlock()
	for _, n := range s.cells.Names() {
		if n.Name == name {
			return n.Kind == "var"
		}
	}
	return false
}
