package runpod

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/tensors/pause"
)

// The service is eventually consistent: for some seconds after /run a job may be unknown to
// /status, /stream, /cancel and /retry, though it was accepted, runs and is billed. So a 404
// for a job that this client submitted a moment ago is asked again, with the pauses of the
// official SDK: seven requests, 31.5 s in all.
//
// Source: RunPod's SDK 2.0.0rc2, apps/targets.py, JOB_PROPAGATION_ATTEMPTS.
const (
	visibleAttempts = 7
	visiblePause    = 500 * time.Millisecond // then twice as long each time
	// visiblePauseLocal is for an endpoint on this machine, which does not know a job only if
	// it is told to be late or was restarted.
	visiblePauseLocal = 50 * time.Millisecond
	// visibleWithin is how long after its submission a job may be unknown. Later a 404 is final: the
	// service keeps results for longer than that.
	visibleWithin = time.Minute
)

// submitted are the jobs that a client has submitted within visibleWithin.
type submitted struct {
	pause time.Duration // the first one

	mu    sync.Mutex
	at    map[submission]time.Time
	order []submission // oldest first
}

type submission struct {
	endpoint EndpointID
	job      JobID
}

// Expect says when another client, or another process, has submitted a job. If that was less
// than a minute ago, the service may not know the job yet, and Status, Stream, Cancel and
// Retry ask again, as they do after Run.
func (e *Endpoint) Expect(id JobID, submitted time.Time) {
	if since := time.Since(submitted); id != "" && since >= 0 && since <= visibleWithin {
		e.client.submitted.add(e.ID, id, submitted)
	}
}

func (s *submitted) add(e EndpointID, id JobID, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.order) > 0 && now.Sub(s.at[s.order[0]]) > visibleWithin {
		delete(s.at, s.order[0])
		s.order = s.order[1:]
	}
	k := submission{e, id}
	if _, again := s.at[k]; !again {
		s.order = append(s.order, k)
	}
	s.at[k] = at
}

func (s *submitted) remove(e EndpointID, id JobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[submission{e, id}] = time.Time{} // keep it in order
}

// recent reports whether the job was submitted within visibleWithin.
func (s *submitted) recent(e EndpointID, id JobID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[submission{e, id}]
	return ok && time.Since(at) <= visibleWithin
}

// wrap asks again for a job that the service does not know yet.
func (s *submitted) wrap(next handler) handler {
	return func(ctx context.Context, c *call) (*reply, error) {
		r, err := next(ctx, c)
		if c.job == "" || !errors.Is(err, ErrNotFound) || !s.recent(c.endpoint, c.job) {
			return r, err
		}
		wait := s.pause
		for attempt := 1; attempt < visibleAttempts && errors.Is(err, ErrNotFound); attempt++ {
			if cause := pause.For(ctx, wait); cause != nil {
				return nil, errors.Join(cause, err)
			}
			wait *= 2
			r, err = next(ctx, c)
		}
		if errors.Is(err, ErrNotFound) {
			s.remove(c.endpoint, c.job) // it is gone
		}
		return r, err
	}
}
