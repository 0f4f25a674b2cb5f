package local

import (
	"context"
	"slices"
	"time"
)

// enlist adds a worker; a worker that is already known keeps its jobs.
func (q *queue) enlist(id string, attached bool, gpu string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.enlistLocked(id, attached, gpu)
}

func (q *queue) enlistLocked(id string, attached bool, gpu string) *workerRecord {
	now := q.opt.Clock.Now()
	w := q.workers[id]
	if w == nil {
		w = &workerRecord{id: id, jobs: map[string]*job{}, stopping: map[string]time.Time{}, since: now, idle: now,
			stopped: make(chan struct{}), left: make(chan struct{})}
		q.workers[id] = w
	}
	w.attached, w.seen = attached, now
	if gpu != "" {
		w.gpu = gpu
	}
	return w
}

// pollBegins records that an attached worker polls; left is closed when the
// poll has to return.
func (q *queue) pollBegins(id, gpu string) (left <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.enlistLocked(id, true, gpu)
	w.polls++
	w.state = workerReady
	q.nudge()
	return w.left
}

func (q *queue) pollEnds(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.workers[id]; w != nil {
		w.polls--
		w.seen = q.opt.Clock.Now()
		q.watchLocked(w)
	}
}

// beat records a ping: the worker is alive, and so are the jobs that the ping
// names.
func (q *queue) beat(id string, jobs []string, unhealthy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.enlistLocked(id, true, "")
	if unhealthy {
		w.state = workerUnhealthy
	}
	for _, j := range jobs {
		if j := w.jobs[j]; j != nil && !j.mute {
			j.beat = w.seen
		}
	}
	for id := range w.stopping {
		if !slices.Contains(jobs, id) {
			q.stoppedLocked(w, id)
		}
	}
	q.watchLocked(w)
}

// stoppedLocked records that a worker no longer works on a job that was cancelled.
func (q *queue) stoppedLocked(w *workerRecord, id string) {
	if _, ok := w.stopping[id]; ok {
		delete(w.stopping, id)
		w.idle = q.opt.Clock.Now()
		q.nudge()
	}
}

// busy returns until when the worker counts as busy although it has no job: its handler finishes
// something, such as a batch whose weights its client will ask for. The zero time means that it
// is idle.
func (w *workerRecord) busy() (until time.Time) {
	for _, at := range w.stopping {
		if at.After(until) {
			until = at
		}
	}
	return until
}

// watchLocked sets a timer that forgets an attached worker if it does not report. Its
// jobs have their own timers.
func (q *queue) watchLocked(w *workerRecord) {
	if w.watched || q.closed {
		return
	}
	w.watched = true
	left := q.opt.HeartbeatTimeout - q.opt.Clock.Now().Sub(w.seen)
	if left <= 0 { // a poll or a job keeps it: check again later
		left = q.opt.HeartbeatTimeout
	}
	q.opt.Clock.AfterFunc(left, func() { q.unwatch(w) })
}

func (q *queue) unwatch(w *workerRecord) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.watched = false
	if q.closed || q.workers[w.id] != w {
		return
	}
	if w.managed || w.polls > 0 || len(w.jobs) > 0 || q.opt.Clock.Now().Sub(w.seen) < q.opt.HeartbeatTimeout {
		q.watchLocked(w)
		return
	}
	delete(q.workers, w.id)
	q.usedLocked(w)
}

// leave retires a worker that asked to be replaced. The service replaces such a worker whatever
// it does next. Here the pool stops a worker that it started as soon as it has no job; an
// attached worker gets no job under its id until it has been silent for HeartbeatTimeout.
//
// Source: RunPod's SDK, rp_job.py, refresh_worker, which becomes stopPod.
func (q *queue) leave(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.workers[id]; w != nil {
		q.retireLocked(w)
	}
}

// retireLocked ends the polls of a worker; it gets no more jobs.
func (q *queue) retireLocked(w *workerRecord) {
	w.retired = true
	close(w.left)
	w.left = make(chan struct{})
	q.nudge()
}

// awaitStops returns the jobs that a worker has to stop, once each, or none if
// ctx is done first.
func (q *queue) awaitStops(ctx context.Context, id string) []string {
	for {
		q.mu.Lock()
		w := q.workers[id]
		if w == nil || q.closed {
			q.mu.Unlock()
			return nil
		}
		ids, stopped := w.stops, w.stopped
		w.stops = nil
		q.mu.Unlock()
		if len(ids) > 0 {
			return slices.Compact(ids)
		}
		select {
		case <-stopped:
		case <-ctx.Done():
			return nil
		}
	}
}

// dismiss removes a worker; its jobs go to others.
func (q *queue) dismiss(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.workers[id]
	if w == nil {
		return
	}
	delete(q.workers, id)
	q.usedLocked(w)
	q.nudge()
	for _, j := range w.jobs {
		q.lostLocked(j)
	}
}

// hire adds a worker that the pool is about to start.
func (q *queue) hire(id string, attached bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.enlistLocked(id, attached, "")
	w.managed, w.state = true, workerStarting
}

func (q *queue) setState(id string, s workerState) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.workers[id]; w != nil {
		w.state = s
		w.idle = q.opt.Clock.Now()
		q.nudge()
	}
}

// throttle sets whether new workers have to wait for a machine.
func (q *queue) throttle(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case on && q.blocked == nil:
		q.blocked = make(chan struct{})
	case !on && q.blocked != nil:
		close(q.blocked)
		q.blocked = nil
	}
}

func (q *queue) throttled() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.blocked != nil
}

// setTimeout changes the executionTimeout of jobs that are submitted without
// one.
func (q *queue) setTimeout(d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.opt.ExecutionTimeout = d
}

// awaitCapacity holds a new worker, throttled, until there is a machine for it.
func (q *queue) awaitCapacity(ctx context.Context, id string) error {
	for {
		q.mu.Lock()
		blocked := q.blocked
		if w := q.workers[id]; w != nil && blocked != nil {
			w.state = workerThrottled
		} else if w != nil {
			if w.state == workerThrottled { // it is up, and costs, from now on
				w.since = q.opt.Clock.Now()
			}
			w.state = workerStarting
		}
		q.mu.Unlock()
		if blocked == nil {
			return nil
		}
		select {
		case <-blocked:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Health is the answer to /health.
type Health struct {
	Jobs    JobCounts    `json:"jobs"`
	Workers WorkerCounts `json:"workers"`
}

// JobCounts are the jobs in /health. Completed, Failed and Retried count since
// the server started.
type JobCounts struct {
	Completed  int `json:"completed"`
	Failed     int `json:"failed"`
	InProgress int `json:"inProgress"`
	InQueue    int `json:"inQueue"`
	Retried    int `json:"retried"`
}

// WorkerCounts are the workers in /health. Ready workers are the idle ones.
type WorkerCounts struct {
	Idle         int `json:"idle"`
	Initializing int `json:"initializing"`
	Ready        int `json:"ready"`
	Running      int `json:"running"`
	Throttled    int `json:"throttled"`
	Unhealthy    int `json:"unhealthy"`
}

func (q *queue) health() Health {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := Health{Jobs: JobCounts{Completed: q.counts.completed, Failed: q.counts.failed,
		InQueue: q.waiting.Len(), Retried: q.counts.retried}}
	now := q.opt.Clock.Now()
	for _, w := range q.workers {
		h.Jobs.InProgress += len(w.jobs)
		switch {
		case w.state == workerUnhealthy:
			h.Workers.Unhealthy++
		case w.state == workerThrottled:
			h.Workers.Throttled++
		case w.state == workerStarting:
			h.Workers.Initializing++
		case len(w.jobs) > 0 || w.busy().After(now):
			h.Workers.Running++
		default:
			h.Workers.Idle++
			h.Workers.Ready++
		}
	}
	return h
}

// runningWorkers returns how many workers have a job.
func (q *queue) runningWorkers() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, w := range q.workers {
		if len(w.jobs) > 0 {
			n++
		}
	}
	return n
}

// readyWorkers returns the ids of the idle workers, in no order.
func (q *queue) readyWorkers() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	ids := []string{}
	now := q.opt.Clock.Now()
	for _, w := range q.workers {
		if w.state == workerReady && len(w.jobs) == 0 && !w.busy().After(now) {
			ids = append(ids, w.id)
		}
	}
	return ids
}
