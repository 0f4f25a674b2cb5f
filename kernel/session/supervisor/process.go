package supervisor

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/reap"
)

// A Process is one session process.
type Process struct {
	cmd      *exec.Cmd
	commands *os.File
	handle   func(frame.Event)
	env      *frame.EnvLog // nil if there is no memory for it
	mark     string        // see package reap

	ready  chan struct{} // closed by the ready event
	exited chan struct{} // closed when it has ended and everything it sent is handled
	magics []frame.MagicInfo
	death  string // why it ended, after exited
	crash  string // what it wrote as it died, after exited

	writeMu  sync.Mutex
	mu       sync.Mutex
	packages map[string]bool // see Initialized
	replies  map[int]chan frame.Event
	last     int
	closing  bool
	killed   string                           // why Kill was called
	target   func(stream string, text []byte) // of the standard streams
}

var (
	// ErrExited means that the session process ended before it answered.
	ErrExited = errors.New("the session process ended")
	// ErrInterrupted means that the caller stopped waiting for the answer.
	ErrInterrupted = errors.New("interrupted")
)

// startPatience is how long a session process may take to initialise all its
// packages on a busy machine.
const startPatience = 30 * time.Second

// startProcess starts the program. It returns before the process is ready. All
// events except ready and replies are passed to handle, one at a time. Files that nobody else
// can open are made in work.
func startProcess(program, dir, work string, env []string, handle func(frame.Event)) (*Process, error) {
	p := &Process{handle: handle, ready: make(chan struct{}), exited: make(chan struct{}), replies: map[int]chan frame.Event{}, packages: map[string]bool{},
		mark: reap.Mark(), target: func(string, []byte) {}}
	var secret [frame.TokenSize / 2]byte
	rand.Read(secret[:])
	token := hex.EncodeToString(secret[:])
	var ours, theirs [4]*os.File // stdout, stderr, commands, events
	closeAll := func(fs []*os.File) {
		for _, f := range fs {
			if f != nil {
				f.Close()
			}
		}
	}
	for i := range ours {
		pipe := os.Pipe
		if i < 2 {
			pipe = textPipe
		}
		r, w, err := pipe()
		if err != nil {
			closeAll(ours[:])
			closeAll(theirs[:])
			return nil, fmt.Errorf("session: %w", err)
		}
		if i == 2 {
			ours[i], theirs[i] = w, r
		} else {
			ours[i], theirs[i] = r, w
		}
	}
	defer closeAll(theirs[2:])
	p.cmd = exec.Command(program)
	p.cmd.Dir = dir
	p.cmd.Env = append(env, frame.TokenEnv+"="+token, reap.Env+"="+p.mark, "GOTRACEBACK=single")
	p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1]
	p.cmd.ExtraFiles = []*os.File{theirs[2], theirs[3]}
	if env, f, err := newEnvLog(work); err == nil { // without it the environment is read at the end of each cell
		defer f.Close()
		p.env = env
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, f)
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("%s=%d", frame.EnvLogEnv, 2+len(p.cmd.ExtraFiles)))
	}
	// Use a new session, in the sense of setsid(2): the kernel has to handle Ctrl-C in a
	// terminal, and everything that a cell starts can be ended with the process.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.cmd.Start(); err != nil {
		closeAll(ours[:])
		closeAll(theirs[:2])
		return nil, fmt.Errorf("session: %w", err)
	}
	p.commands = ours[2]
	go p.read(ours, theirs, token)
	return p, nil
}

// read handles everything that the process sends until it ends. This process holds the
// writing ends of the streams open too: a last marker ends streams that children of
// the session still hold open.
func (p *Process) read(ours, theirs [4]*os.File, token string) {
	o := newOrder()
	filter := &crashFilter{out: func(b []byte) { p.stream(1, b) }, alive: p.answers}
	var streams sync.WaitGroup
	streams.Go(func() { readStream(ours[0], 0, token, o, func(b []byte) { p.stream(0, b) }) })
	streams.Go(func() { readStream(ours[1], 1, token, o, filter.text) })
	p.readEvents(ours[3], o, filter)
	o.end(2)
	err := p.cmd.Wait()
	for _, w := range theirs[:2] {
		w.Write(frame.Mark(token, endOfStream))
		w.Close()
	}
	streams.Wait()
	p.crash = filter.crash()
	p.mu.Lock()
	closing, killed := p.closing, p.killed
	p.mu.Unlock()
	if !closing {
		if p.death = killed; killed == "" {
			p.death = reason(p.cmd.ProcessState, p.crash, err)
		}
	}
	for _, f := range ours {
		f.Close()
	}
	reap.Session(p.PID()) // what the session started and did not wait for
	reap.Marked(p.mark)
	close(p.exited)
}

func (p *Process) readEvents(f *os.File, o *order, filter *crashFilter) {
	for br := bufio.NewReaderSize(f, 64<<10); ; {
		var e frame.Event
		if err := frame.Read(br, &e); err != nil {
			return
		}
		done := func() {}
		if e.Seq != 0 {
			done = o.event(e.Seq)
			filter.flush()
		}
		switch e.Op {
		case frame.Ready:
			p.magics = e.Magics
			if e.Version == frame.Version {
				close(p.ready)
			}
		case frame.Reply:
			p.mu.Lock()
			ch := p.replies[e.Reply]
			delete(p.replies, e.Reply)
			p.mu.Unlock()
			if ch != nil {
				ch <- e
			}
		default:
			p.handle(e)
		}
		done()
	}
}

func (p *Process) stream(i int, b []byte) {
	p.mu.Lock()
	t := p.target
	p.mu.Unlock()
	t(streamNames[i], b)
}

// SetTarget sets the function that receives the standard streams from here on.
func (p *Process) SetTarget(t func(stream string, text []byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = t
}

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended and everything it sent is handled.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Death returns one line that says why the process ended. Call it after Exited.
func (p *Process) Death() string { return p.death }

// Crash returns what the process wrote as it died. Call it after Exited.
func (p *Process) Crash() string { return p.crash }

// Magics returns the magics of the session program. Call it after Wait, or if IsReady.
func (p *Process) Magics() []frame.MagicInfo { return p.magics }

// Has reports whether the process has initialized a package that was added to its own.
func (p *Process) Has(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packages[path]
}

// Initialized records that the process has initialized packages.
func (p *Process) Initialized(paths []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, path := range paths {
		p.packages[path] = true
	}
}

// Wait waits until the process takes commands.
func (p *Process) Wait() error {
	select {
	case <-p.ready:
		return nil
	case <-p.exited:
		return fmt.Errorf("session: the session process did not start: %s%s", p.death, tail(p.crash))
	case <-time.After(startPatience):
		p.Kill("it did not start in time")
		return fmt.Errorf("session: the session process did not start within %v", startPatience)
	}
}

func tail(s string) string {
	if s == "" {
		return ""
	}
	return "\n" + s[:min(len(s), 2000)]
}

// Send sends a command. Callers may ignore the error: Exited reports when the process
// has ended.
func (p *Process) Send(c frame.Command) error {
	p.writeMu.Lock()
	defer p.writeMu.Unlock()
	return frame.Write(p.commands, c)
}

// Ask sends a command and waits for its reply, until done is closed.
func (p *Process) Ask(done <-chan struct{}, c frame.Command) (frame.Event, error) {
	ch := make(chan frame.Event, 1)
	p.mu.Lock()
	p.last++
	c.Reply = p.last
	p.replies[c.Reply] = ch
	p.mu.Unlock()
	if err := p.Send(c); err != nil {
		return frame.Event{}, ErrExited
	}
	select {
	case e := <-ch:
		return e, nil
	case <-p.exited:
		return frame.Event{}, ErrExited
	case <-done:
		return frame.Event{}, ErrInterrupted
	}
}

// answers reports whether the process answers within d. It returns at once if the
// process has ended.
func (p *Process) answers(d time.Duration) bool {
	over := make(chan struct{})
	t := time.AfterFunc(d, func() { close(over) })
	defer t.Stop()
	_, err := p.Ask(over, frame.Command{Op: frame.Ping})
	return err == nil
}

// IsStarted reports whether the process has ever been ready.
func (p *Process) IsStarted() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// IsReady reports whether the process takes commands now.
func (p *Process) IsReady() bool {
	select {
	case <-p.exited:
		return false
	default:
	}
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// close kills the process and waits until it has ended.
func (p *Process) close() {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.Kill("it was closed")
	<-p.exited
}

// Kill kills the process without waiting for its end. The first reason given becomes its
// Death.
func (p *Process) Kill(why string) {
	p.mu.Lock()
	if p.killed == "" {
		p.killed = why
	}
	p.mu.Unlock()
	p.cmd.Process.Kill()
}
