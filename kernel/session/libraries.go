package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/notebook"
	"github.com/gopherpod/gopherpod/kernel/session/supervisor"
)

// loadPackages has the process load and initialize the packages that code with these imports
// needs. Their output appears in x's cell. If a package fails, only x fails: the next
// cell that imports the package tries again.
func (s *Session) loadPackages(x *execution, p *supervisor.Process, imports []string) error {
	s.loadMu.Lock()
	defer s.loadMu.Unlock()
	for _, l := range s.book.Loads(imports, p.Has) {
		e, err := s.start(x, p, frame.Command{Op: frame.Library, File: l.File, Names: l.Skip, Renewed: l.Renewed}, func() {})
		if err != nil {
			return s.loadError(l, e, err)
		}
		p.Initialized(l.Init)
		s.book.Loaded(l.Init)
	}
	return nil
}

// loadError explains why a library was not loaded or a package of it not initialized.
func (s *Session) loadError(l notebook.Load, e frame.Event, err error) error {
	if e.Failure != nil && e.Failure.Kind == frame.FailedLoad {
		s.book.Discard(l.File)
		return l.InC(errors.New(e.Failure.Text))
	}
	if errors.Is(err, errExitedOK) {
		err = evalError(nameExit, "os.Exit(0)")
	}
	ee, ok := errors.AsType[*kernel.EvalError](err)
	if !ok || e.Text == "" {
		return err
	}
	path := s.book.Original(e.Text)
	value := fmt.Sprintf("%s, while package %s was initialized", ee.Value, path)
	lines := append([]string{value}, ee.Traceback[min(1, len(ee.Traceback)):]...)
	for i, line := range lines {
		lines[i] = build.LocalFile.ReplaceAllStringFunc(line, func(m string) string { return s.book.Original(m[:strings.IndexByte(m, '@')]) })
	}
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "variables are kept") }) {
		lines = append(lines, "Variables are kept. The next cell that imports the package tries again.")
	}
	return &kernel.EvalError{Name: ee.Name, Value: value, Traceback: lines}
}

// reload has a new process load the packages that earlier ones had loaded. It reports
// a package that fails now and leaves it out.
func (s *Session) reload(x *execution, p *supervisor.Process) error {
	ready := slices.DeleteFunc(s.book.Ready(), p.Has)
	if len(ready) == 0 || s.loadPackages(x, p, ready) == nil {
		return nil
	}
	for _, path := range ready { // one at a time, to find the one that fails
		err := s.loadPackages(x, p, []string{path})
		if err == nil {
			continue
		}
		if x.ctx.Err() != nil || !p.IsReady() {
			return err
		}
		if ee, ok := errors.AsType[*kernel.EvalError](err); ok {
			err = errors.New(ee.Value)
		}
		s.book.Unloaded([]string{path})
		x.out.Stream("stderr", fmt.Appendf(nil, "warning: package %s is not in the new session process: %v\n", s.book.Original(path), err))
	}
	return nil
}
