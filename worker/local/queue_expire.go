package local

import (
	"fmt"
	"time"
)

// maxRetries is how often a job that lost its worker is given to another one.
const maxRetries = 1

// lostError is the service's text for a job that lost its worker too often.
var lostError = fmt.Sprintf("job timed out after %d retries", maxRetries)

// expire lets the queue forget a job, whatever its state, when ttl has passed from now. It
// only brings that moment forward: a job does not outlive its own ttl, nor a result its
// retention.
func (q *queue) expire(id string, ttl time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j := q.jobs[id]
	if j == nil {
		return
	}
	at := q.opt.Clock.Now().Add(ttl)
	if !j.expires.IsZero() && !at.Before(j.expires) {
		return
	}
	q.setExpiryLocked(j, at)
	q.armLocked(j)
}

func (q *queue) setExpiryLocked(j *job, at time.Time) {
	j.expires = at
	q.noteLocked(j.expiryNote(), nil)
}

// deadlineLocked returns when the queue has to act on j next if nothing else
// happens.
func (q *queue) deadlineLocked(j *job) time.Time {
	at := q.naturalDeadlineLocked(j)
	if !j.expires.IsZero() {
		at = earlier(at, j.expires)
	}
	return at
}

// naturalDeadlineLocked is deadlineLocked if no client has asked for less.
func (q *queue) naturalDeadlineLocked(j *job) time.Time {
	if j.status.Terminal() {
		if j.sub.sync {
			return j.finished.Add(q.opt.SyncRetention)
		}
		return j.finished.Add(q.opt.Retention)
	}
	at := j.created.Add(j.sub.ttl)
	if j.status == StatusInProgress {
		at = earlier(at, j.started.Add(j.sub.executionTimeout))
		if w := q.workers[j.worker]; w == nil || w.attached || j.mute {
			at = earlier(at, j.beat.Add(q.opt.HeartbeatTimeout))
		}
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// armLocked sets the timer of j to its deadline. A heartbeat only moves a
// deadline later, so it need not set the timer: due checks the deadline again.
func (q *queue) armLocked(j *job) {
	if j.stop != nil {
		j.stop()
	}
	if q.closed {
		return
	}
	d := q.deadlineLocked(j).Sub(q.opt.Clock.Now())
	j.stop = q.opt.Clock.AfterFunc(max(d, 0), func() { q.due(j) })
}

// due acts on j if its deadline has passed. It may have moved: a timer that
// fires while another transition holds the lock finds a later deadline.
func (q *queue) due(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.opt.Clock.Now()
	if q.closed || q.jobs[j.id] != j {
		return
	}
	if q.deadlineLocked(j).After(now) {
		q.armLocked(j)
		return
	}
	switch {
	case j.status.Terminal():
		q.forgetLocked(j)
	case !j.created.Add(j.sub.ttl).After(now), !j.expires.IsZero() && !j.expires.After(now):
		q.stopWorkLocked(j, ErrExpired)
		q.forgetLocked(j)
	case !j.started.Add(j.sub.executionTimeout).After(now):
		q.stopWorkLocked(j, ErrOvertime)
		j.failure, j.output = "executionTimeout exceeded", nil
		// Stop the worker, as the service does: a handler that ignores its context
		// would continue.
		if w := q.workers[j.worker]; w != nil {
			w.stopNow = true
			q.retireLocked(w)
		}
		q.endLocked(j, q.opt.Unknown.Overtime)
	default:
		q.lostLocked(j)
	}
}

// lostLocked queues a job whose worker is gone for another one, once.
func (q *queue) lostLocked(j *job) {
	if j.retries >= maxRetries {
		j.failure, j.output = lostError, nil
		q.endLocked(j, StatusFailed)
		return
	}
	j.retries++
	q.counts.retried++
	q.releaseLocked(j)
	q.resetLocked(j)
	q.enqueueLocked(j, true)
	q.movedLocked(j)
}

// lost tells the queue that workerID will not finish the job.
func (q *queue) lost(id, workerID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j := q.jobs[id]; j != nil && j.status == StatusInProgress && j.worker == workerID {
		q.lostLocked(j)
	}
}
