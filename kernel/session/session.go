package session

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/cgo"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

const (
	runtimePath = "github.com/gopherpod/gopherpod/kernel/session/rt"
	displayPath = "github.com/gopherpod/gopherpod/kernel/display"
)

// Options say how a session runs. Host is required.
type Options struct {
	// Host is the prepared session program. New takes it over: Close closes it.
	Host *build.Host
	// Dir is the working directory of cells; empty is the kernel's own.
	Dir string
	// Env is the environment of cells; nil is the kernel's own.
	Env []string
	// AutoImports are packages that a cell need not import, name to path; nil is
	// the standard library and gonum.
	AutoImports map[string]string
	// Log is told of the session's inner life, one line at a time; nil: nobody.
	Log func(string)
}

// A Session is the notebook's evaluator: the state of its cells and the process
// that holds its variables.
type Session struct {
	o    Options
	work string // folder for what is built
	made error  // why work could not be made

	cellMu   sync.Mutex // of cells and what is built for it
	cells    *cell.Session
	libs     []string   // shared objects of added packages, in the order of loading
	fresh    []string   // packages added and not yet in a library
	collided []collided // imports of the cell that is prepared
	builds   int
	// modules are what the notebook imports beyond the host; nil before the first.
	modules   *build.Modules
	libraries int                               // made so far
	cgo       *cgo.Notebook                     // nil before the first cell with C code
	cell      *cgo.Cell                         // the one that is prepared, where it has C code
	preparing atomic.Bool                       // a cell that runs is prepared: packages may be fetched
	renames   atomic.Pointer[map[string]string] // of edited modules, see build.Modules.Renames

	execMu sync.Mutex // one cell at a time

	mu      sync.Mutex
	closed  bool
	proc    *process
	procErr error
	env     map[string]string // changed by %env, for a new process
	dir     string            // where the cells are now, for a new process
	current *execution
	again   time.Time // of the last interrupt
	runs    map[int]*run
	lastRun int
	stdin   *lines // of the session process; nil before somebody is there
	inputs  int
	sources map[int][]string // lines of the cells, by count
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
	s := &Session{o: o, runs: map[int]*run{}, env: map[string]string{}, sources: map[int][]string{}}
	s.work, s.made = os.MkdirTemp("", "gopherpod-")
	mode, _ := o.Host.Mode()
	s.cells = cell.New(cell.Config{
		Importer:    s.export,
		Runtime:     runtimePath,
		Dir:         s.sourceDir,
		Packages:    o.Host.Packages,
		Current:     s.currentPath,
		AutoNames:   map[string]string{"Display": displayPath},
		AutoImports: o.AutoImports,
		Fast:        mode == build.Fast,
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startLocked()
	return s
}

// sourceDir finds the source of a package for documentation.
func (s *Session) sourceDir(path string) (string, error) {
	if d, ok := s.o.Host.Dir(path); ok {
		return d, nil
	}
	return "", &build.UnknownPackageError{Path: path}
}

// environment is that of the cells, with what %env has changed.
func (s *Session) environment() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.environmentLocked()
}

func (s *Session) environmentLocked() []string {
	env := slices.Clone(s.o.Env)
	for _, k := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, k+"="+s.env[k])
	}
	return env
}

// startLocked starts a session process.
func (s *Session) startLocked() {
	s.runs = map[int]*run{}
	env := s.environmentLocked()
	var p *process
	dir := s.dir
	if _, err := os.Stat(dir); err != nil {
		dir = s.o.Dir
	}
	p, s.procErr = startProcess(s.o.Host.Program(), dir, env, func(e frame.Event) { s.event(p, e) })
	s.proc = p
}

// process returns the session process, ready for commands. One that has died
// since the last cell is reported to out and replaced.
func (s *Session) process(out kernel.Output) (*process, error) {
	s.mu.Lock()
	p, err, closed := s.proc, s.procErr, s.closed
	s.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	if p != nil {
		select {
		case <-p.exited:
			if p.isStarted() {
				out.Stream("stderr", []byte(strings.Join(s.buried(p).Traceback, "\n")+"\n"))
			}
			s.mu.Lock()
			p, err = s.proc, s.procErr
			s.mu.Unlock()
		default:
		}
	}
	if p == nil || err != nil {
		s.mu.Lock()
		s.startLocked()
		p, err = s.proc, s.procErr
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	if err := p.wait(); err != nil {
		s.mu.Lock()
		s.proc = nil
		s.mu.Unlock()
		return nil, err
	}
	return p, s.loadLibraries(p)
}

// loadLibraries brings the packages that were added to a process into a new one.
func (s *Session) loadLibraries(p *process) error {
	for ; p.libs < len(s.libs); p.libs++ {
		e, err := p.ask(nil, frame.Command{Op: frame.Library, File: s.libs[p.libs]})
		if err == nil && e.Err != "" {
			err = fmt.Errorf("session: %s", e.Err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// buried reports the end of a process, forgets what it held and starts another.
func (s *Session) buried(p *process) *kernel.EvalError {
	<-p.exited
	s.cellMu.Lock()
	lost := s.cells.Reset()
	s.cellMu.Unlock()
	s.mu.Lock()
	if s.proc == p && !s.closed {
		s.startLocked()
	}
	s.mu.Unlock()
	lines := s.frames(crashFrames(p.crash))
	if len(lost) > 0 {
		lines = append(lines, "Lost with it: "+nameList(lost)+". To have them again, run "+cellList(lost)+".")
	} else {
		lines = append(lines, "No variables were lost.")
	}
	return evalError(nameLost, "session ended: "+p.death, append(lines, "A new one has been started.")...)
}

func nameList(names []cell.Name) string {
	const most = 20
	var out []string
	for i, n := range names {
		if i == most {
			return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
		}
		out = append(out, n.Name)
	}
	return strings.Join(out, ", ")
}

// cellList names the cells that defined names, in their order.
func cellList(names []cell.Name) string {
	var cells []int
	for _, n := range names {
		cells = append(cells, n.Cell)
	}
	slices.Sort(cells)
	var out []string
	for _, n := range slices.Compact(cells) {
		out = append(out, fmt.Sprintf("In[%d]", n))
	}
	const most = 20
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("%d more", len(out)-most))
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " and " + out[n-1]
	}
	return strings.Join(out, "")
}

// Close ends the session process and removes what was built.
func (s *Session) Close() error {
	s.mu.Lock()
	p, twice := s.proc, s.closed
	s.closed = true
	if s.current != nil {
		s.current.cancel(errClosed)
	}
	s.mu.Unlock()
	if twice {
		return nil
	}
	if p != nil {
		p.close()
	}
	s.disconnect()
	s.execMu.Lock() // a build that is being cancelled
	defer s.execMu.Unlock()
	if s.work != "" {
		os.RemoveAll(s.work)
	}
	return s.o.Host.Close()
}
