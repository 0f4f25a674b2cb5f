package kernel

import "time"

// settle is how long the kernel waits, after a cell has failed, for cells that are on their
// way. "Run all" sends every cell at once: the cells that the front end had sent when the
// cell failed are aborted; those that it sends after the reply run.
const settle = 10 * time.Millisecond

// gather takes the cells queued after a failed one, before the failed one is answered.
func (s *server) gather() []*request {
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
	return s.cells.take()
}

// abort answers cells that will not run. The reply has no execution count, so that
// front ends leave the prompt empty.
func (s *server) abort(queued []*request) {
	for _, r := range queued {
		s.pub.status(r, "busy")
		s.reply(r, content{"status": "aborted"})
		s.pub.status(r, "idle")
	}
	if len(queued) > 0 {
		s.turns.end(len(queued))
	}
}
