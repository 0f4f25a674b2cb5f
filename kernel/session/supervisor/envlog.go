package supervisor

import (
	"fmt"
	"os"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// newEnvLog makes memory to share with a session process, and the file that it is mapped from.
func newEnvLog(dir string) (*frame.EnvLog, *os.File, error) {
	f, err := sharedFile(dir, frame.EnvLogSize)
	if err != nil {
		return nil, nil, fmt.Errorf("session: %w", err)
	}
	mem, err := syscall.Mmap(int(f.Fd()), 0, frame.EnvLogSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("session: %w", err)
	}
	return frame.NewEnvLog(mem), f, nil
}

// drainLocked notes what the current process has put into its environment so far.
func (s *Supervisor) drainLocked() {
	if s.proc != nil && s.proc.env != nil {
		s.noteLocked(s.proc.env.Next())
	}
}

// dropLocked drains p, whose process has ended, and frees the memory that it shared.
func (s *Supervisor) dropLocked(p *Process) {
	if p == nil || p.env == nil {
		return
	}
	s.noteLocked(p.env.Next())
	if mem := p.env.Close(); mem != nil {
		_ = syscall.Munmap(mem) // fails only if it is not mapped
	}
}

// Changed returns the entries, NAME=value, that were noted since its last call, with those
// that a running cell has set so far.
func (s *Supervisor) Changed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drainLocked()
	fresh := s.notes[s.told:]
	s.told = len(s.notes)
	return fresh
}

// Cwd returns the folder that the process is in now or, if the system does not say, Dir.
func (s *Supervisor) Cwd() string {
	if p := s.Process(); p != nil {
		if dir := cwd(p.PID()); dir != "" {
			return dir
		}
	}
	return s.Dir()
}
