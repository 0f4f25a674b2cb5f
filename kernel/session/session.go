package session

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/session/notebook"
	"github.com/gopherpod/gopherpod/kernel/session/reap"
	"github.com/gopherpod/gopherpod/kernel/session/supervisor"
)

const (
	runtimePath = "github.com/gopherpod/gopherpod/kernel/session/rt"
	displayPath = "github.com/gopherpod/gopherpod/kernel/display"
)

// Options say how a session runs. Host is required.
type Options struct {
	// Host is the prepared session program. The session owns it: Close closes it.
	Host *build.Host
	// Dir is the working directory of cells; empty means the kernel's own.
	Dir string
	// Env is the environment of cells; nil means the kernel's own.
	Env []string
	// AutoImports maps the names of packages that a cell need not import to their
	// paths; nil means the standard library and gonum.
	AutoImports map[string]string
	// Log receives messages for people debugging the session, one line at a time;
	// nil discards them.
	Log func(string)
}

// A Session is the kernel's evaluator: it has the notebook prepare and build each
// cell, and the supervisor's process run it.
type Session struct {
	o       Options
	book    *notebook.Notebook
	super   *supervisor.Supervisor
	sources sources

	execMu sync.Mutex // one cell at a time
	loadMu sync.Mutex // one library at a time

	mu        sync.Mutex
	closed    bool
	current   *execution
	again     time.Time // of the last interrupt that counted
	abandoned time.Time // when a cell that did not stop was abandoned
	runs      map[int]*run
	lastRun   int
}

var _ kernel.Evaluator = (*Session)(nil)

// New makes a session and starts its process, without waiting for it.
func New(o Options) *Session {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.AutoImports == nil {
		o.AutoImports = cell.StdImports()
		o.AutoImports["display"] = displayPath
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	home := o.Dir
	if home == "" {
		home, _ = os.Getwd()
	}
	s := &Session{o: o, runs: map[int]*run{}}
	s.book = notebook.New(notebook.Options{
		Host:  o.Host,
		Cells: cell.Config{Runtime: runtimePath, AutoNames: map[string]string{"Display": displayPath}, AutoImports: o.AutoImports},
		Env:   func() []string { return s.super.Environment() },
		Dir:   func() string { return s.super.Dir() },
		Home:  home,
	})
	s.super = supervisor.New(supervisor.Options{Program: o.Host.Program(), Dir: o.Dir, Env: o.Env, Work: s.book.Work(), Event: s.event, Log: o.Log})
	return s
}

// process returns the session process, ready for commands and with the packages that
// the notebook has loaded so far. If it has died since the last cell, process reports
// that in x's cell and starts another.
func (s *Session) process(x *execution) (*supervisor.Process, error) {
	if p := s.super.Process(); p != nil && p.IsStarted() {
		select {
		case <-p.Exited():
			x.out.Stream("stderr", []byte(strings.Join(s.buried(p).Traceback, "\n")+"\n"))
		default:
		}
	}
	p, err := s.super.Started()
	if err != nil {
		return nil, err
	}
	if err := p.Wait(); err != nil {
		s.super.Forget(p)
		return nil, err
	}
	return p, s.reload(x, p)
}

// buried reports why a process died, forgets what it held and starts another.
func (s *Session) buried(p *supervisor.Process) *kernel.EvalError {
	<-p.Exited()
	lost := s.book.Lost()
	s.super.Replace(p)
	lines := s.frames(crashFrames(p.Crash()))
	for _, path := range s.book.Abandon(crashPackages(p.Crash())) {
		lines = append(lines, fmt.Sprintf("Package %s is not in the new session, because its own goroutine panicked. The next cell that imports it tries again.", s.book.Original(path)))
	}
	memory := strings.Contains(p.Death(), supervisor.OutOfMemory)
	if memory {
		lines = append(lines, "The cell that ran took more memory than there is: run it again only with less data at once, or free some first.")
	}
	if len(lost) > 0 && memory {
		lines = append(lines, "Lost with it: "+notebook.NameList(lost)+".")
	} else if len(lost) > 0 {
		lines = append(lines, "Lost with it: "+notebook.NameList(lost)+". To have them again, run "+notebook.CellList(lost)+".")
	} else {
		lines = append(lines, "No variables were lost.")
	}
	return evalError(nameLost, "session ended: "+p.Death(), append(lines, "A new one has been started.")...)
}

// empty replaces the session process by a new one and forgets all cells.
func (s *Session) empty(x *execution) error {
	defer s.book.Begin()()
	s.super.Stop()
	s.book.Forget()
	if _, err := s.super.Started(); err != nil {
		return err
	}
	x.out.Stream("stdout", []byte("all variables, functions, types and imports are gone\n"))
	return nil
}

// Surroundings returns the environment of the cells and the folder that they run in, as
// of the end of the last cell.
func (s *Session) Surroundings() (env []string, dir string) {
	return s.super.Noted(), s.super.Dir()
}

// Orphans ends what cells started whose kernel and session process are both gone. A kernel
// calls it once at its start. It also removes the mark of a session that the kernel itself may
// have been started in from its environment, so that a process that the kernel starts to outlive
// it does not end with that session.
func Orphans() {
	os.Unsetenv(reap.Env)
	go reap.Orphans()
}

// Changed returns what cells, also one that is running, have put into the environment since
// its last call, and the folder that they are in now.
func (s *Session) Changed() (env []string, dir string) {
	return s.super.Changed(), s.super.Cwd()
}

// Close stops the session process and removes what was built.
func (s *Session) Close() error {
	s.mu.Lock()
	twice := s.closed
	s.closed = true
	if s.current != nil {
		s.current.cancel(supervisor.ErrClosed)
	}
	s.mu.Unlock()
	if twice {
		return nil
	}
	s.super.Close()
	s.execMu.Lock() // wait for a build that is being cancelled
	defer s.execMu.Unlock()
	s.book.Remove()
	return s.o.Host.Close()
}

// log writes a line for debugging.
func (s *Session) log(format string, args ...any) { s.o.Log(fmt.Sprintf(format, args...)) }
