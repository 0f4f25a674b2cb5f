package supervisor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// How often we check whether the session reads standard input: often enough to feel
// immediate, but only after a moment, by which most cells have ended.
const (
	stdinFirst = 60 * time.Millisecond
	stdinEvery = 40 * time.Millisecond
)

// A lines carries what the user types to the session: it is a named pipe that the
// session opens as its standard input. Closing it is the only way to end a read that
// waits, so there is a new pipe after each interrupted read.
type lines struct {
	path string
	w    *os.File
}

func newLines(dir string, n int) (*lines, error) {
	l := &lines{path: filepath.Join(dir, fmt.Sprintf("stdin%d", n))}
	if err := syscall.Mkfifo(l.path, 0o600); err != nil {
		return nil, fmt.Errorf("session: standard input: %w", err)
	}
	var err error
	// Open it for reading too, or opening would wait for the session.
	if l.w, err = os.OpenFile(l.path, os.O_RDWR, 0); err != nil {
		return nil, fmt.Errorf("session: standard input: %w", err)
	}
	return l, nil
}

func (l *lines) close() {
	l.w.Close()
	os.Remove(l.path)
}

// Connect gives the session its standard input for the next run: what the user types
// if a user can be asked, an empty file otherwise.
func (s *Supervisor) Connect(p *Process, interactive bool) {
	if !interactive {
		p.Send(frame.Command{Op: frame.Stdin})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stdin == nil {
		s.inputs++
		l, err := newLines(s.o.Work, s.inputs)
		if err != nil {
			s.o.Log(err.Error())
			p.Send(frame.Command{Op: frame.Stdin})
			return
		}
		s.stdin = l
	}
	p.Send(frame.Command{Op: frame.Stdin, File: s.stdin.path})
}

// CutRead ends a read that is waiting when an interrupt arrives, because it would take
// the next cell's line. It reports whether there was one.
func (s *Supervisor) CutRead(p *Process) bool {
	s.mu.Lock()
	in := s.stdin
	s.mu.Unlock()
	if in == nil || !waitsForInput(p.PID(), in.w) {
		return false
	}
	s.Disconnect()
	return true
}

// Disconnect ends the reads that wait: they get end of file.
func (s *Supervisor) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stdin != nil {
		s.stdin.close()
		s.stdin = nil
	}
}

// ServeStdin calls ask for a line whenever the session, or a command that it runs,
// waits for standard input, until ctx is done. No callback reports such a wait, so it
// asks the operating system.
func (s *Supervisor) ServeStdin(ctx context.Context, p *Process, ask func(context.Context) (string, error)) {
	s.mu.Lock()
	in := s.stdin
	s.mu.Unlock()
	if in == nil {
		return
	}
	for d := stdinFirst; ; d = stdinEvery {
		select {
		case <-ctx.Done():
			return
		case <-p.exited:
			return
		case <-time.After(d):
		}
		if !waitsForInput(p.PID(), in.w) {
			continue
		}
		line, err := ask(ctx)
		if ctx.Err() != nil {
			return // CutRead ends the read
		}
		if err != nil { // nobody answered
			s.Disconnect()
			return
		}
		if _, err := in.w.WriteString(line + "\n"); err != nil {
			return
		}
	}
}
