package local

import (
	"container/list"
	"context"
	"encoding/json"
)

// A delivery is a job on its way to a worker.
type delivery struct {
	id      string
	sub     *submission // without its input
	input   json.RawMessage
	retries int
	delay   int64 // ms since submission
	noInput bool  // the input is {}, which the service drops
}

// take gives the worker the next jobs, n at most. If there is none, it waits for
// one until ctx is done and then returns none.
func (q *queue) take(ctx context.Context, workerID string, n int) []delivery {
	for {
		q.mu.Lock()
		got := q.takeLocked(workerID, n)
		if q.waiting.Len() > 0 { // wake another taker: this one may have used up its wake-up
			q.wakeLocked()
		}
		if w := q.workers[workerID]; len(got) > 0 || ctx.Err() != nil || q.closed || w == nil || w.retired {
			q.mu.Unlock()
			return got
		}
		wake := make(chan struct{})
		e := q.takers.PushBack(wake)
		q.mu.Unlock()

		select {
		case <-wake:
		case <-ctx.Done():
			q.stopWaiting(e, wake)
			return nil
		}
	}
}

// stopWaiting leaves the list of takers. A taker that was woken meanwhile passes the wake-up on.
func (q *queue) stopWaiting(e *list.Element, wake chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-wake:
		if q.waiting.Len() > 0 {
			q.wakeLocked()
		}
	default:
		q.takers.Remove(e)
	}
}

// wakeLocked wakes the taker that has waited longest.
func (q *queue) wakeLocked() {
	if e := q.takers.Front(); e != nil {
		close(q.takers.Remove(e).(chan struct{}))
	}
}

func (q *queue) takeLocked(workerID string, n int) []delivery {
	w := q.workers[workerID]
	if w == nil || w.retired || q.closed {
		return nil
	}
	var got []delivery
	if len(q.ghosts) > 0 {
		got, q.ghosts = append(got, q.ghosts[0]), q.ghosts[1:]
	}
	for len(got) < n && q.waiting.Len() > 0 {
		j := q.waiting.Front().Value.(*job)
		q.dequeueLocked(j)
		now := q.opt.Clock.Now()
		j.status, j.worker, j.started, j.beat = StatusInProgress, workerID, now, now
		j.output, j.failure = nil, ""
		j.mute = q.fault(FaultMute)
		w.jobs[j.id] = j
		j.attached = w.attached
		j.tellLocked()
		q.movedLocked(j)
		q.opt.Log.Info("a job runs", "job", j.id, "worker", workerID)
		d := delivery{id: j.id, sub: &j.sub, input: j.input, retries: j.retries,
			delay: now.Sub(j.created).Milliseconds(), noInput: emptyObject(j.input)}
		got = append(got, d)
		if q.fault(FaultDuplicate) {
			q.ghosts = append(q.ghosts, d)
			q.wakeLocked()
		}
	}
	return got
}

// handlerStarted sets the function that cancels the worker's attempt at a job, and
// calls it immediately if the job is no longer this worker's.
func (q *queue) handlerStarted(id, workerID string, cancel context.CancelCauseFunc) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j := q.jobs[id]
	if q.closed || j == nil || j.status != StatusInProgress || j.worker != workerID {
		cancel(ErrCancelled)
		return
	}
	j.cancel = cancel
}

// untake puts back a job that did not reach the worker.
func (q *queue) untake(id, workerID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j := q.jobs[id]
	if j == nil || j.status != StatusInProgress || j.worker != workerID {
		return
	}
	q.releaseLocked(j)
	q.enqueueLocked(j, true)
	q.movedLocked(j)
}

// emptyObject reports whether b is {}, possibly with white space.
func emptyObject(b json.RawMessage) bool {
	i := space(b, 0)
	return i < len(b) && b[i] == '{' && space(b, i+1) < len(b) && b[space(b, i+1)] == '}'
}
