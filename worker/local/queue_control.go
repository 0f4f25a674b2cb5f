package local

import "time"

// cancel ends a job that has not ended yet; it does not change an ended one.
func (q *queue) cancel(id string) (view, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return view{}, errGone
	}
	if !j.status.Terminal() {
		q.stopWorkLocked(j, ErrCancelled)
		j.output = nil
		q.endLocked(j, StatusCancelled)
	}
	return j.viewLocked(), nil
}

// retry queues a failed job again with its id and input, and drops its output.
func (q *queue) retry(id string) (view, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return view{}, errGone
	}
	if j.status != StatusFailed && j.status != StatusTimedOut {
		return j.viewLocked(), errRetry
	}
	if q.waiting.Len() >= q.maxQueuedLocked() {
		return view{}, errQueueFull
	}
	q.resetLocked(j)
	q.unendLocked(j)
	j.retries = 0
	j.created = q.opt.Clock.Now()
	if !j.expires.IsZero() {
		q.setExpiryLocked(j, time.Time{})
	}
	j.worker = ""
	q.counts.retried++
	q.enqueueLocked(j, false)
	q.movedLocked(j)
	return j.viewLocked(), nil
}

// purge removes every waiting job and returns how many there were.
func (q *queue) purge() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for q.waiting.Len() > 0 {
		q.forgetLocked(q.waiting.Front().Value.(*job))
		n++
	}
	return n
}

// resetLocked clears the output of an attempt, also in the journal.
func (q *queue) resetLocked(j *job) {
	q.clearLocked(j)
	q.noteLocked(note{What: "reset", ID: j.id}, nil)
}

func (q *queue) clearLocked(j *job) {
	j.output, j.failure = nil, ""
	j.chunks, j.chunkBytes, j.yields, j.streamed = nil, 0, nil, false
}

// stopWorkLocked tells the handler or worker that runs j to stop.
func (q *queue) stopWorkLocked(j *job, cause error) {
	if j.status != StatusInProgress {
		return
	}
	if j.cancel != nil {
		j.cancel(cause)
	}
	if w := q.workers[j.worker]; w != nil && w.attached {
		w.stops = append(w.stops, j.id)
		w.stopping[j.id] = j.started.Add(j.sub.executionTimeout)
		close(w.stopped)
		w.stopped = make(chan struct{})
	}
}
