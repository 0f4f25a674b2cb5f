package local

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

var (
	errHoldOver  = errors.New("local: the hold is over")
	errGone      = errors.New("job not found")
	errQueueFull = errors.New("too many requests: the queue is full")
	errRetry     = errors.New("only a job that is FAILED or TIMED_OUT can be retried")

	// ErrCancelled is the cause of a handler's context after /cancel.
	ErrCancelled = errors.New("local: the job was cancelled")
	// ErrOvertime is the cause after the job exceeded its executionTimeout.
	ErrOvertime = errors.New("local: the job ran over its executionTimeout")
	// ErrExpired is the cause after the job's ttl expired while it ran.
	ErrExpired = errors.New("local: the job's ttl is over")
	// ErrClosed is the cause after the server was closed.
	ErrClosed = errors.New("local: the server was closed")
)

// A queue holds an endpoint's jobs and moves them between statuses. Every
// method is one transition under mu. Apart from the methods that wait and the
// writes to the journal, no method blocks or does I/O.
//
//	IN_QUEUE -> IN_PROGRESS -> COMPLETED | FAILED | TIMED_OUT | CANCELLED
//	   |  ^----lost worker--'                |          |
//	   |  ^-------------retry----------------'----------'
//	   '-> CANCELLED | TIMED_OUT | (purged: gone)
//
// and from any status: gone, when ttl or retention is over.
type queue struct {
	opt Options

	mu         sync.Mutex
	jobs       map[string]*job
	lastResult time.Time                // when the last job that streamed, as trainings do, ended
	size       int64                    // bytes that jobs hold, roughly
	done       *list.List               // ended *jobs, oldest first
	waiting    *list.List               // *job, IN_QUEUE, next first
	takers     *list.List               // chan struct{}: workers that wait for a job, first come, first served
	workers    map[string]*workerRecord // by id
	counts     counters
	closed     bool
	kick       chan struct{} // receives, without blocking, when the number of workers may have to change
	blocked    chan struct{} // nil if there are machines for new workers; otherwise closed when there are again
	// ended is called under mu for each job that has ended; it must not block.
	ended func(view)
	// fault reports whether a job's fault is due; it must not block.
	fault   func(FaultKind) bool
	journal *journal   // nil: nothing is kept on disk
	most    int        // how many workers the endpoint may have; more can attach
	usage   usage      // the time of workers that are gone
	ghosts  []delivery // jobs to be delivered again
}

type counters struct {
	completed, failed, retried int
}

// A workerRecord is what the queue knows about a worker.
type workerRecord struct {
	id       string
	attached bool // over HTTP: its jobs need pings
	managed  bool // started by this server's pool
	retired  bool // gets no more jobs
	stopNow  bool // retired, and the pool stops it even if it has a job
	told     bool // the pool knows that it has to stop it
	state    workerState
	jobs     map[string]*job
	// stopping holds the jobs that were cancelled while it worked on them, until it reports them or
	// its ping omits them, and when each would have been out of time. See busy.
	stopping map[string]time.Time
	stops    []string      // jobs that it has to stop
	stopped  chan struct{} // closed and replaced when stops grows
	left     chan struct{} // closed and replaced when its polls have to return
	polls    int           // open long-polls
	watched  bool          // a timer checks it; see watchLocked
	seen     time.Time
	since    time.Time
	idle     time.Time // since when it has had no job
	gpu      string
}

type workerState uint8

const (
	workerReady workerState = iota
	workerStarting
	workerThrottled
	workerUnhealthy
)

func newQueue(opt Options) *queue {
	return &queue{opt: opt, most: max(opt.Workers, 1), jobs: map[string]*job{}, waiting: list.New(), done: list.New(), takers: list.New(),
		workers: map[string]*workerRecord{}, usage: usage{}, kick: make(chan struct{}, 1), ended: func(view) {}, fault: func(FaultKind) bool { return false }}
}

// submit puts a new job at the end of the queue.
func (q *queue) submit(sub submission) (view, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return view{}, ErrClosed
	}
	if q.waiting.Len() >= q.maxQueuedLocked() {
		return view{}, errQueueFull
	}
	if q.size+int64(len(sub.input)) > q.opt.MaxBytes && !q.evictLocked(int64(len(sub.input))) {
		return view{}, errQueueFull
	}
	def(&sub.executionTimeout, q.opt.ExecutionTimeout)
	def(&sub.ttl, q.opt.TTL)
	input := sub.input
	sub.input = nil
	j := &job{id: newID(sub.sync), sub: sub, input: input, status: StatusInQueue, created: q.opt.Clock.Now(), changed: make(chan struct{})}
	if err := q.noteLocked(j.jobNote(), input); err != nil {
		return view{}, err
	}
	if err := q.saveLocked(j); err != nil {
		return view{}, err
	}
	q.jobs[j.id] = j
	q.countLocked(j)
	q.enqueueLocked(j, false)
	q.armLocked(j)
	q.opt.Log.Info("a job waits", "job", j.id, "bytes", len(j.input))
	return j.viewLocked(), nil
}

// get returns the job as it is now.
func (q *queue) get(id string) (view, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return view{}, errGone
	}
	return j.viewLocked(), nil
}

// maxQueuedLocked returns how many jobs may wait.
func (q *queue) maxQueuedLocked() int {
	if q.opt.MaxQueued > 0 {
		return q.opt.MaxQueued
	}
	attached := 0
	for _, w := range q.workers {
		if w.attached && !w.retired {
			attached++
		}
	}
	return max(leastQueued, queuedPerWorker*max(q.most, attached))
}

// setMost sets how many workers the endpoint may have.
func (q *queue) setMost(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.most = n
}

// hidden reports whether the job exists but clients cannot see it yet.
func (q *queue) hidden(id string) bool {
	if q.opt.VisibleAfter == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	return ok && q.opt.Clock.Now().Sub(j.created) < q.opt.VisibleAfter
}

// await returns the job once done reports true for it, or as it is when ctx is
// done.
func (q *queue) await(ctx context.Context, id string, done func(view) bool) (view, error) {
	for {
		v, err := q.get(id)
		if err != nil || done(v) {
			return v, err
		}
		select {
		case <-v.changed:
		case <-ctx.Done():
			return q.get(id)
		}
	}
}

func terminal(v view) bool { return v.status.Terminal() }

// list returns every job, in no order.
func (q *queue) list() []view {
	q.mu.Lock()
	defer q.mu.Unlock()
	vs := make([]view, 0, len(q.jobs))
	for _, j := range q.jobs {
		vs = append(vs, j.viewLocked())
	}
	return vs
}

// enqueueLocked puts j at the end of the queue or, if back is set, back in its
// place: before the first job that is not older than j. Only jobs that came back
// themselves can be older, so several jobs that come back at once keep their
// order.
func (q *queue) enqueueLocked(j *job, back bool) {
	j.status = StatusInQueue
	j.queued = q.opt.Clock.Now()
	if back {
		e := q.waiting.Front()
		for e != nil && e.Value.(*job).created.Before(j.created) {
			e = e.Next()
		}
		if e != nil {
			j.element = q.waiting.InsertBefore(j, e)
		}
	}
	if j.element == nil {
		j.element = q.waiting.PushBack(j)
	}
	q.wakeLocked()
	q.nudge()
	j.tellLocked()
}

// nudge makes the pool check its number of workers again. It needs no lock.
func (q *queue) nudge() {
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

func (q *queue) dequeueLocked(j *job) {
	if j.element != nil {
		q.waiting.Remove(j.element)
		j.element = nil
	}
}

// tellLocked wakes the requests that wait for a change of j.
func (j *job) tellLocked() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// endLocked moves j to a terminal status.
func (q *queue) endLocked(j *job, s Status) {
	q.dequeueLocked(j)
	q.releaseLocked(j)
	j.status = s
	j.finished = q.opt.Clock.Now()
	if j.streamed {
		q.lastResult = j.finished
	}
	q.opt.Log.Info("a job has ended", "job", j.id, "status", s)
	switch s {
	case StatusCompleted:
		q.counts.completed++
	case StatusFailed, StatusTimedOut:
		q.counts.failed++
	}
	j.tellLocked()
	q.ended(j.viewLocked())
	q.endedLocked(j)
	q.movedLocked(j)
	q.evictLocked(0)
}

// forget removes a job as if its retention were over.
func (q *queue) forget(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j := q.jobs[id]; j != nil {
		q.stopWorkLocked(j, ErrExpired)
		q.forgetLocked(j)
	}
}

// forgetLocked removes every trace of j.
func (q *queue) forgetLocked(j *job) {
	q.dequeueLocked(j)
	q.releaseLocked(j)
	if j.stop != nil {
		j.stop()
	}
	delete(q.jobs, j.id)
	q.unendLocked(j)
	q.size -= int64(j.counted)
	q.noteLocked(note{What: "gone", ID: j.id}, nil)
	j.tellLocked()
}

// releaseLocked detaches j from its worker without notifying it.
func (q *queue) releaseLocked(j *job) {
	if w := q.workers[j.worker]; w != nil && w.jobs[j.id] == j {
		delete(w.jobs, j.id)
		w.idle = q.opt.Clock.Now()
		q.nudge()
	}
	j.cancel = nil
}

// movedLocked has to follow every change of a status: it updates the size, the
// deadline and the journal.
func (q *queue) movedLocked(j *job) {
	q.countLocked(j)
	q.armLocked(j)
	q.saveLocked(j)
}

// close cancels every running handler; from then on the queue refuses new jobs.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	if q.journal != nil {
		q.journal.close()
	}
	for _, j := range q.jobs {
		if j.stop != nil {
			j.stop()
		}
		if j.cancel != nil {
			j.cancel(ErrClosed)
		}
	}
}
