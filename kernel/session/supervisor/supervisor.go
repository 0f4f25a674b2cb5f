package supervisor

import (
	"errors"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// ErrClosed means that the supervisor has been closed.
var ErrClosed = errors.New("the session is closed")

// Options configure a Supervisor. Program and Event are required.
type Options struct {
	// Program is the session program.
	Program string
	// Dir is the first working directory; if empty, it is the kernel's own.
	Dir string
	// Env is the environment of the cells.
	Env []string
	// Work is a private folder for named pipes.
	Work string
	// Event handles what a process reports about its runs, one event at a time.
	Event func(*Process, frame.Event)
	// Log receives messages for people debugging the session.
	Log func(string)
}

// A Supervisor has one session process at a time. Its methods may be called from
// any goroutine.
type Supervisor struct {
	o Options

	mu     sync.Mutex
	closed bool
	proc   *Process          // nil between two processes
	err    error             // why it could not be started
	env    map[string]string // changes of Options.Env, for the next process
	notes  []string          // see Note
	noted  map[string]bool   // notes, as a set
	told   int               // notes that Changed has returned
	dir    string            // the cells' current folder, for the next process
	stdin  *lines            // of the session process; nil until a user can be asked
	inputs int               // pipes made so far
}

// New starts a process, without waiting until it is ready.
func New(o Options) *Supervisor {
	s := &Supervisor{o: o, env: map[string]string{}, noted: map[string]bool{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startLocked()
	return s
}

// Environment returns the environment of the cells, with the changes of Setenv.
func (s *Supervisor) Environment() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.environmentLocked()
}

func (s *Supervisor) environmentLocked() []string {
	env := slices.Clone(s.o.Env)
	for _, k := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, k+"="+s.env[k])
	}
	return env
}

// Setenv changes the environment of later processes.
func (s *Supervisor) Setenv(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.env[name] = value
}

// maxNotes is how many entries Note keeps.
const maxNotes = 10_000

// Note keeps entries, NAME=value, that cells have put into the environment of their process.
// They are not passed to later processes.
func (s *Supervisor) Note(entries []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteLocked(entries)
}

func (s *Supervisor) noteLocked(entries []string) {
	for _, e := range entries {
		if !s.noted[e] && len(s.notes) < maxNotes {
			s.noted[e] = true
			s.notes = append(s.notes, e)
		}
	}
}

// Noted returns the environment of the cells with the entries that they added themselves.
func (s *Supervisor) Noted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drainLocked()
	return append(s.environmentLocked(), s.notes...)
}

// Dir returns the folder that cells run in.
func (s *Supervisor) Dir() string {
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

// SetDir records the folder of the process, for the next one.
func (s *Supervisor) SetDir(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dir = dir
}

func (s *Supervisor) startLocked() {
	dir := s.dir
	if _, err := os.Stat(dir); err != nil {
		dir = s.o.Dir
	}
	s.dropLocked(s.proc)
	var p *Process
	p, s.err = startProcess(s.o.Program, dir, s.o.Work, s.environmentLocked(), func(e frame.Event) { s.o.Event(p, e) })
	s.proc = p
}

// Process returns the current process. It may be about to start, or may have ended. It
// is nil if there is none.
func (s *Supervisor) Process() *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// Started returns the current process, and starts one if there is none. It does not
// wait until the process is ready.
func (s *Supervisor) Started() (*Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.proc == nil || s.err != nil {
		s.startLocked()
	}
	return s.proc, s.err
}

// Replace starts another process instead of p, which has ended or cannot be used.
func (s *Supervisor) Replace(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == p && !s.closed {
		s.startLocked()
	}
}

// Stop ends the process and waits until it has ended. Started starts the next one.
func (s *Supervisor) Stop() {
	s.mu.Lock()
	p := s.proc
	s.proc = nil
	s.mu.Unlock()
	if p != nil {
		p.close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dropLocked(p)
	}
}

// Forget drops p, which did not start, so that Started tries again.
func (s *Supervisor) Forget(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == p {
		s.dropLocked(p)
		s.proc = nil
	}
}

// Close ends the process permanently. It reports whether the supervisor was open.
func (s *Supervisor) Close() bool {
	s.mu.Lock()
	twice := s.closed
	s.closed = true
	s.mu.Unlock()
	if twice {
		return false
	}
	s.Stop()
	s.Disconnect()
	return true
}
