package kernel

import "time"

// settle is how long a failed cell waits for cells that are on their way. "Run all"
// sends every cell at once: what a front end had sent when the cell failed is
// aborted; what it sends after seeing the reply runs.
const settle = 10 * time.Millisecond

// gather takes the cells queued behind a failed one, before it is answered.
func (s *server) gather() []*request {
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
	return s.cells.take()
}

// abort answers cells that will not run. The reply has an execution count, because
// front ends leave the prompt empty without one.
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
