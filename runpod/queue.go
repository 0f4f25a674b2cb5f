package runpod

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Queue follows the jobs of one task while they wait for a worker: it limits how long they
// wait, and it reports why. Follow, Watch, Wait and Call use the Queue of their context; see
// WithQueue. The time that counts is that in which jobs wait and none of the Queue's jobs
// runs, so a job that waits behind jobs of the same task is not late.
type Queue struct {
	// Limit is how long jobs may wait; 0 means as long as their ttl. When it is over, the
	// waiting jobs are cancelled, and the calls that follow them return a
	// *QueueTimeoutError. A job that a worker has is never cancelled for it.
	Limit time.Duration
	// Since is when the first job was submitted; zero means when it is first seen waiting.
	Since time.Time
	// Tell, if not nil, is called every few seconds while jobs wait and none runs, and once
	// without a reason when a worker has taken one, from any goroutine that follows a job. See
	// WaitLines.
	Tell func(Wait)

	mu      sync.Mutex
	queued  map[JobID]bool
	running map[JobID]bool
	since   time.Time // when the current wait began; zero if there is none
	asked   time.Time // when the endpoint was last asked why
	why     string    // its answer
	told    bool      // Tell knows of the current wait
}

// A Wait is what a Queue reports.
type Wait struct {
	// Queued is how long the jobs have waited.
	Queued time.Duration
	// Why is the reason, as Endpoint.Waiting returns it, or "" if the wait is over.
	Why string
}

// askEvery is how often the endpoint is asked why jobs wait; askTimeout limits the answer.
const (
	askEvery   = 3 * time.Second
	askTimeout = 5 * time.Second
)

type queueKey struct{}

// WithQueue returns a context whose jobs are followed by q.
func WithQueue(ctx context.Context, q *Queue) context.Context {
	return context.WithValue(ctx, queueKey{}, q)
}

// QueueOf returns the context's Queue, or nil.
func QueueOf(ctx context.Context) *Queue {
	q, _ := ctx.Value(queueKey{}).(*Queue)
	return q
}

// LimitQueue returns a context whose jobs may wait that long since then, unless its Queue
// has a limit already. A limit of 0 changes nothing.
func LimitQueue(ctx context.Context, limit time.Duration, since time.Time) context.Context {
	q := QueueOf(ctx)
	if limit == 0 || q != nil && q.Limit > 0 {
		return ctx
	}
	limited := &Queue{Limit: limit, Since: since}
	if q != nil {
		limited.Tell = q.Tell
	}
	return WithQueue(ctx, limited)
}

// ErrQueueTimeout means that no worker took a job in the time that it may wait. The error is
// a *QueueTimeoutError.
var ErrQueueTimeout = errors.New("no worker in time")

// A QueueTimeoutError is a job that was cancelled because it has waited too long.
type QueueTimeoutError struct {
	JobID JobID
	// Limit is how long the job may wait.
	Limit time.Duration
	// Why is the last known reason of the wait, or "".
	Why string
	// Started reports whether a worker took the job at the moment when it was cancelled, so
	// that some seconds may be billed.
	Started bool
	// CancelErr is why the job could not be cancelled, nil if it was.
	CancelErr error
}

// Error returns a text such as "runpod: no worker took job j within 10m0s: no capacity for
// ADA_24; the job was cancelled and is not billed".
func (e *QueueTimeoutError) Error() string {
	text := fmt.Sprintf("runpod: no worker took job %s within %v", e.JobID, e.Limit)
	if e.Why != "" {
		text += ": " + reason(e.Why)
	}
	switch {
	case e.CancelErr != nil:
		return text + "; the job could not be cancelled, so it may still run and be billed: " + oneLine(e.CancelErr.Error())
	case e.Started:
		return text + "; the job was cancelled when a worker had just taken it, so some seconds may be billed"
	}
	return text + "; the job was cancelled and is not billed"
}

// Unwrap returns ErrQueueTimeout and CancelErr.
func (e *QueueTimeoutError) Unwrap() []error {
	if e.CancelErr == nil {
		return []error{ErrQueueTimeout}
	}
	return []error{ErrQueueTimeout, e.CancelErr}
}

// saw records a job's status. If the job waits, saw reports why, and cancels the job if it
// has waited too long; the error ends the following of the job. A nil Queue does nothing.
func (q *Queue) saw(ctx context.Context, e *Endpoint, id JobID, s Status) error {
	if q == nil || s == "" {
		return nil
	}
	over := q.count(id, s)
	if over != nil {
		q.Tell(*over)
	}
	if s != StatusInQueue {
		return nil
	}
	q.explain(ctx, e)
	return q.expire(ctx, e, id)
}

// count counts a job as waiting, as running or as ended. If that ends a wait, it returns what
// Tell has to know.
func (q *Queue) count(id JobID, s Status) (over *Wait) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.queued == nil {
		q.queued, q.running = map[JobID]bool{}, map[JobID]bool{}
	}
	delete(q.queued, id)
	delete(q.running, id)
	now := time.Now()
	switch {
	case s == StatusInQueue:
		q.queued[id] = true
	default:
		if !s.Terminal() {
			q.running[id] = true
		}
		if q.told {
			over = &Wait{Queued: now.Sub(q.since)}
		}
		q.Since, q.since, q.why, q.told = time.Time{}, time.Time{}, "", false
	}
	if q.since.IsZero() && len(q.queued) > 0 && len(q.running) == 0 {
		if q.since = q.Since; q.since.IsZero() {
			q.since = now
		}
	}
	return over
}

// leave forgets a job that is no longer followed.
func (q *Queue) leave(id JobID) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.queued, id)
	delete(q.running, id)
	switch {
	case len(q.queued) == 0:
		q.since, q.told = time.Time{}, false
	case len(q.running) == 0 && q.since.IsZero():
		q.since = time.Now()
	}
}

// explain asks the endpoint why jobs wait and tells the answer, unless it was asked a moment
// ago.
func (q *Queue) explain(ctx context.Context, e *Endpoint) {
	if q.Tell == nil {
		return
	}
	now := time.Now()
	q.mu.Lock()
	since := q.since
	due := !since.IsZero() && now.Sub(since) >= askEvery && now.Sub(q.asked) >= askEvery
	if due {
		q.asked = now
	}
	q.mu.Unlock()
	if !due {
		return
	}
	why := q.ask(ctx, e, now.Sub(since))
	q.mu.Lock()
	waits := q.since.Equal(since)
	if waits {
		q.why, q.told = why, true
	}
	q.mu.Unlock()
	if waits {
		q.Tell(Wait{Queued: now.Sub(since), Why: why})
	}
}

// ask returns why jobs of the endpoint wait.
func (q *Queue) ask(ctx context.Context, e *Endpoint, queued time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	why, err := e.Waiting(ctx, queued)
	if err != nil {
		return "queued" + soFar(queued) + "; cannot reach the endpoint to ask why"
	}
	return why
}

// left returns how long jobs may still wait; limited is false if there is no limit for now.
func (q *Queue) left() (d time.Duration, limited bool) {
	if q == nil {
		return 0, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.Limit <= 0 || q.since.IsZero() {
		return 0, false
	}
	return max(time.Until(q.since.Add(q.Limit)), 0), true
}

// expire cancels a waiting job if it has waited too long.
func (q *Queue) expire(ctx context.Context, e *Endpoint, id JobID) error {
	if left, limited := q.left(); !limited || left > 0 {
		return nil
	}
	out := &QueueTimeoutError{JobID: id, Limit: q.Limit}
	q.mu.Lock()
	out.Why = q.why
	since := q.since
	q.mu.Unlock()
	if out.Why == "" {
		out.Why = q.ask(ctx, e, time.Since(since))
	}
	// A worker may have taken the job since the last poll: then it is in time.
	job, err := e.Status(ctx, id)
	if err == nil && job.Status != StatusInQueue {
		q.count(id, job.Status)
		return nil
	}
	if err == nil && job.Retries > 0 && q.restart() {
		return nil
	}
	if ctx.Err() != nil {
		return nil // the caller finds that out
	}
	switch out.CancelErr = e.Abandon(ctx, id); {
	case errors.Is(out.CancelErr, ErrNotFound): // it is gone, so it cannot run
		out.CancelErr = nil
	case out.CancelErr == nil:
		if job, err := e.Status(ctx, id); err == nil {
			out.Started = job.WorkerID != "" || job.Execution > 0
		}
	}
	return out
}

// restart begins the wait now instead of at Since, for a job that waits for a second worker
// because it has lost the first one. It reports whether that changes anything.
func (q *Queue) restart() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	changes := !q.Since.IsZero()
	if changes {
		q.Since, q.since = time.Time{}, time.Now()
	}
	return changes
}

// pause limits a pause between two polls of a job, so that a wait that has a limit or is
// reported is looked at in time.
func (q *Queue) pause(d time.Duration) time.Duration {
	if left, limited := q.left(); limited {
		d = min(d, left+time.Millisecond)
	}
	return d
}

// hold returns how long the service may hold a poll of a job's stream, 0 for its default.
func (q *Queue) hold() time.Duration {
	if q == nil {
		return 0
	}
	q.mu.Lock()
	waits := !q.since.IsZero()
	q.mu.Unlock()
	if !waits {
		return 0
	}
	d := streamHold
	if q.Tell != nil {
		d = askEvery
	}
	return min(max(q.pause(d), minHold), streamHold)
}

// The interval of lines that repeat a reason, and the shortest time between two lines.
const (
	sayAgain = 5 * time.Minute
	sayNext  = 15 * time.Second
)

// WaitLines returns a Queue.Tell for output that is not redrawn, such as a log: a line when
// the reason changes, not more often than every 15 s; one every five minutes while it stays;
// and one when the wait is over.
func WaitLines(write func(line string)) func(Wait) {
	var mu sync.Mutex
	var last string
	var said time.Time
	return func(w Wait) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if w.Why == "" {
			if !said.IsZero() {
				write(fmt.Sprintf("a worker has the job, after %v in the queue", w.Queued.Round(time.Second)))
			}
			last, said = "", time.Time{}
			return
		}
		key := withoutNumbers(reason(w.Why))
		switch gap := now.Sub(said); {
		case said.IsZero(), gap >= sayAgain, key != last && gap >= sayNext:
			last, said = key, now
			if !strings.HasPrefix(w.Why, "waiting for ") && !strings.HasPrefix(w.Why, "queued ") {
				w.Why = "waiting for a worker: " + w.Why
			}
			write(w.Why)
		}
	}
}

// reason returns a reason without the time that has passed.
func reason(why string) string {
	before, rest, ok := strings.Cut(why, " (")
	if !ok {
		return why
	}
	_, after, _ := strings.Cut(rest, ")")
	return before + after
}

func withoutNumbers(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, s)
}
