package kernel

import (
	"context"
	"os"
	"time"
)

// interruptRequest answers interrupt_request.
func (s *server) interruptRequest(context.Context, *request) (content, error) {
	return content{}, s.interrupt()
}

// interrupt stops the running cell and the question that it may have asked.
func (s *server) interrupt() error {
	err := guard(func() error {
		s.ev.Interrupt()
		return nil
	})
	s.input.interrupt()
	return err
}

// shutdownRequest answers shutdown_request and then ends the kernel. A restart is
// the same: the front end starts the new process.
func (s *server) shutdownRequest(_ context.Context, r *request) (content, error) {
	var in struct {
		Restart bool `json:"restart"`
	}
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	reply := content{"status": "ok", "restart": in.Restart}
	r.after = func() {
		s.pub.send(r.RawHeader, "shutdown_reply", reply)
		s.stop(ErrClosed)
	}
	return reply, nil
}

// watchSignals treats SIGINT as an interrupt, as front ends send it whose kernels
// are not told by message, and every other signal as the end.
func (s *server) watchSignals(signals <-chan os.Signal) {
	for {
		select {
		case sig, ok := <-signals:
			switch {
			case !ok:
				return
			case sig == os.Interrupt:
				s.interrupt()
			default:
				s.stop(ErrClosed)
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// parentPoll is how often a kernel looks for the process that started it.
const parentPoll = time.Second

// watchParent ends the kernel when the front end that started it has died without
// a word. A kernel that something else started, a wrapper, looks for nobody.
func (s *server) watchParent(pid int) {
	if pid <= 1 || os.Getppid() != pid {
		return
	}
	tick := time.NewTicker(parentPoll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if os.Getppid() != pid {
				s.stop(ErrClosed)
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}
