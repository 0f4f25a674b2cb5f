package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// How often the session is looked at for a read of standard input: often enough
// to feel immediate, after a moment that most cells do not last.
const (
	stdinFirst = 60 * time.Millisecond
	stdinEvery = 40 * time.Millisecond
)

// A lines is what the person types, on its way to the session: a named pipe that
// the session opens as its standard input. Closing it is the only way to end a
// read that waits, so that there is a new one after each interrupt of a read.
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
	// Reading as well, or opening would wait for the session.
	if l.w, err = os.OpenFile(l.path, os.O_RDWR, 0); err != nil {
		return nil, fmt.Errorf("session: standard input: %w", err)
	}
	return l, nil
}

func (l *lines) close() {
	l.w.Close()
	os.Remove(l.path)
}

// connect gives the session its standard input for the next run: the person
// where there is one, nothing otherwise.
func (s *Session) connect(p *process, interactive bool) {
	if !interactive {
		p.send(frame.Command{Op: frame.Stdin})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stdin == nil {
		s.inputs++
		l, err := newLines(s.work, s.inputs)
		if err != nil {
			s.o.Log(err.Error())
			p.send(frame.Command{Op: frame.Stdin})
			return
		}
		s.stdin = l
	}
	p.send(frame.Command{Op: frame.Stdin, File: s.stdin.path})
}

// cutRead ends a read that an interrupt finds waiting: it would take the next
// cell's line. It says whether there was one.
func (s *Session) cutRead(p *process) bool {
	s.mu.Lock()
	in := s.stdin
	s.mu.Unlock()
	if in == nil || !waitsForInput(p.cmd.Process.Pid, in.w) {
		return false
	}
	s.disconnect()
	return true
}

// disconnect ends the reads that wait: they get the end of the file.
func (s *Session) disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stdin != nil {
		s.stdin.close()
		s.stdin = nil
	}
}

// serveStdin asks the person for a line whenever the session, or a command that
// it runs, waits for standard input. No call tells of that; the system does.
func (s *Session) serveStdin(ctx context.Context, x *execution, p *process) {
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
		if !waitsForInput(p.cmd.Process.Pid, in.w) {
			continue
		}
		line, err := x.out.Input(ctx, "", false)
		if ctx.Err() != nil {
			return // await ends the read
		}
		if err != nil { // nobody answers
			s.disconnect()
			return
		}
		if _, err := in.w.WriteString(line + "\n"); err != nil {
			return
		}
	}
}
