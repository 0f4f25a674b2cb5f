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

// interrupt stops the running cell and the input request that it may have open.
func (s *server) interrupt() error {
	err := guard(func() error {
		s.ev.Interrupt()
		return nil
	})
	s.input.interrupt()
	return err
}

// shutdownRequest answers shutdown_request and then stops the kernel. A restart is
// the same here: the front end starts the new process.
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

// watchSignals treats SIGINT as an interrupt, because front ends that do not
// interrupt by message send it. Every other signal stops the kernel.
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

// parentPoll is how often a kernel checks that the process that started it is alive.
const parentPoll = time.Second

// watchParent stops the kernel if the front end that started it dies without a
// shutdown request. A kernel started by a wrapper process does not watch anyone.
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
