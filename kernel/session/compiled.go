package session

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/notebook"
	"github.com/gopherpod/gopherpod/kernel/session/supervisor"
)

// goSegment runs Go.
func (s *Session) goSegment(x *execution, src string) error {
	if done, err := s.shortcut(x, src); done {
		return err
	}
	_, err := s.runCode(x, src)
	return err
}

// runCode compiles and runs Go.
func (s *Session) runCode(x *execution, src string) (frame.Event, error) {
	return s.runUnit(x, func() (*cell.Unit, error) { return s.book.Prepare(x.ctx, x.progress, x.cell.Count, src) })
}

// runUnit prepares a unit, builds, loads and runs it.
func (s *Session) runUnit(x *execution, prepare func() (*cell.Unit, error)) (frame.Event, error) {
	end := s.book.Begin()
	defer end()
	u, err := prepare()
	if err != nil {
		return frame.Event{}, s.buildError(x, err)
	}
	for _, w := range u.Warnings {
		x.out.Stream("stderr", []byte("warning: "+w+"\n"))
	}
	if u.Empty && !s.book.Loading(u.Imported) {
		s.book.Commit(u)
		return frame.Event{}, nil
	}
	p, err := s.process(x)
	if err != nil {
		return frame.Event{}, err
	}
	if u.Empty {
		if err := s.loadImports(x, p, u); err != nil {
			return frame.Event{}, s.buildError(x, err)
		}
		s.book.Commit(u)
		return frame.Event{}, nil
	}
	dir, obj, err := s.build(x, p, u)
	if err != nil {
		return frame.Event{}, s.buildError(x, err)
	}
	defer os.RemoveAll(dir) // the file is mapped by then and no longer needed
	e, err := s.start(x, p, frame.Command{Op: frame.Run, File: obj.File, Entry: u.Entry, Timers: s.sources.useTimers()}, func() { s.book.Commit(u); end() })
	s.log("cell %d: compile %v, link %v, map %d µs, init %d µs, run %d µs", u.N, obj.Compile, obj.Link, e.Micros[0], e.Micros[1], e.Micros[2])
	return e, err
}

// buildError explains to the user why a cell was not built. After an interrupt it does
// not blame the cell: the errors come from the commands that were stopped.
func (s *Session) buildError(x *execution, err error) error {
	if es, ok := errors.AsType[cell.Errors](err); ok && x.ctx.Err() == nil {
		return compileError(es)
	}
	if ms, ok := errors.AsType[*notebook.MissingSymbolError](err); ok {
		return evalError(nameCompile, ms.Error())
	}
	return err
}

// build loads the packages that u needs into p and compiles u.
func (s *Session) build(x *execution, p *supervisor.Process, u *cell.Unit) (dir string, obj *build.Object, err error) {
	if err := s.loadImports(x, p, u); err != nil {
		return "", nil, err
	}
	return s.book.Build(x.ctx, u)
}

// define declares a variable for a magic: it runs a small cell that declares the
// variable and fetches the value, which the session process holds.
func (s *Session) define(p *supervisor.Process, r *run, e frame.Event) {
	answer := frame.Command{Op: frame.Answer, Reply: e.Reply}
	if err := s.defineVar(p, r, e); err != nil {
		answer.Err = err.Error()
	}
	p.Send(answer)
}

func (s *Session) defineVar(p *supervisor.Process, r *run, e frame.Event) error {
	end := s.book.Begin()
	defer end()
	u, err := s.book.DefineVar(r.x.ctx, r.x.progress, r.x.cell.Count, e.Name, e.Text, e.Imports)
	if err != nil {
		return err
	}
	dir, obj, err := s.build(r.x, p, u)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = s.start(r.x, p, frame.Command{Op: frame.Run, File: obj.File, Entry: u.Entry}, func() { s.book.Commit(u); end() })
	return err
}

var selector = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)*$`)

// shortcut shows a variable or a field, or calls a method without arguments,
// without compiling anything.
func (s *Session) shortcut(x *execution, src string) (done bool, err error) {
	src = strings.TrimSpace(src)
	if call, ok := strings.CutSuffix(src, "()"); ok && selector.MatchString(call) && s.book.IsPlainCall(call) {
		p, err := s.process(x)
		if err != nil || !s.book.IsPlainCall(call) { // lost with the process
			return err != nil, err
		}
		_, err = s.start(x, p, frame.Command{Op: frame.Run, Name: call}, func() {})
		return true, err
	}
	name, _, _ := strings.Cut(src, ".")
	if !selector.MatchString(src) || !s.book.IsVar(name) {
		return false, nil
	}
	p, err := s.process(x)
	if err != nil || !s.book.IsVar(name) { // lost with the process
		return err != nil, err
	}
	e, err := p.Ask(x.ctx.Done(), frame.Command{Op: frame.Value, Text: src})
	if errors.Is(err, supervisor.ErrInterrupted) {
		p.Send(frame.Command{Op: frame.Interrupt}) // stop the value's methods
	}
	if err != nil {
		return true, s.lost(p, err)
	}
	if e.Err != "" { // a method or an unexported field: leave it to the compiler
		return false, nil
	}
	if m := e.Unpack(); len(m.Data) > 0 {
		x.out.Result(m)
	}
	return true, nil
}

// lost reports that the process exited, if that is what err says.
func (s *Session) lost(p *supervisor.Process, err error) error {
	if errors.Is(err, supervisor.ErrExited) {
		return s.buried(p)
	}
	return err
}

// loadImports loads the packages that u needs into p.
func (s *Session) loadImports(x *execution, p *supervisor.Process, u *cell.Unit) error {
	if err := s.book.MakeLibraries(x.ctx); err != nil {
		return err
	}
	return s.loadPackages(x, p, slices.Concat(u.Imported, u.Imports))
}
