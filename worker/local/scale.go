package local

import (
	"slices"
	"time"
)

// Scaling sets how many workers an endpoint keeps.
type Scaling struct {
	Min int // workers that always run
	Max int // raised to Min, and to 1, if it is lower
	// IdleTimeout is how long a worker above Min stays without a job. The default
	// is 10 s.
	IdleTimeout time.Duration
	// ColdStart is how long a worker takes to start before it asks for its
	// first job.
	ColdStart time.Duration
	// QueueDelay is how long a job waits before a worker is added for it; if no
	// worker runs, one is added immediately. The default is 4 s.
	QueueDelay time.Duration
	// RequestCount, if set, scales by the number of jobs instead: one worker
	// for every RequestCount jobs that wait or run.
	RequestCount int
}

func (s Scaling) withDefaults() Scaling {
	s.Max = max(s.Max, s.Min, 1)
	def(&s.IdleTimeout, 10*time.Second)
	def(&s.QueueDelay, 4*time.Second)
	return s
}

// A scaling decision: how many workers to start, which to stop, and when to
// check again if nothing changes (zero: never).
type decision struct {
	start  int
	retire []string
	next   time.Time
}

// scale decides about the managed workers. Retired workers get no more jobs.
func (q *queue) scale(s Scaling) decision {
	q.mu.Lock()
	defer q.mu.Unlock()
	var d decision
	now := q.opt.Clock.Now()
	look := func(at time.Time) {
		if d.next.IsZero() || at.Before(d.next) {
			d.next = at
		}
	}
	alive, starting := 0, 0
	var idle []*workerRecord
	for _, w := range q.workers {
		switch {
		case w.managed && w.retired && !w.told && (w.stopNow || len(w.jobs) == 0):
			w.told = true
			d.retire = append(d.retire, w.id)
			continue
		case !w.managed || w.retired:
			continue
		case w.state == workerStarting || w.state == workerThrottled:
			starting++
		case len(w.jobs) > 0:
		case w.busy().After(now):
			look(w.busy())
		default:
			idle = append(idle, w)
		}
		alive++
	}
	want := q.wantedLocked(s, alive, starting+len(idle), look)
	d.start = max(min(want, s.Max)-alive, s.Min-alive, 0)

	slices.SortFunc(idle, func(a, b *workerRecord) int { return a.idle.Compare(b.idle) })
	for _, w := range idle {
		if alive <= s.Min || d.start > 0 {
			break
		}
		if end := later(w.idle, w.busy()).Add(s.IdleTimeout); end.After(now) {
			look(end)
			continue
		}
		w.retired, w.told = true, true
		d.retire = append(d.retire, w.id)
		alive--
	}
	return d
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// wantedLocked returns how many workers the jobs need. There are alive workers, and
// free of them are about to take a job; look gets the times at which to check
// again. Waiting jobs of low priority need no worker.
func (q *queue) wantedLocked(s Scaling, alive, free int, look func(time.Time)) int {
	jobs, overdue, inProgress := 0, 0, 0
	now := q.opt.Clock.Now()
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		j := e.Value.(*job)
		if j.sub.lowPriority {
			continue
		}
		jobs++
		if due := j.queued.Add(s.QueueDelay); due.After(now) {
			look(due)
		} else {
			overdue++
		}
		if jobs >= s.Max*max(s.RequestCount, 1) {
			break
		}
	}
	for _, w := range q.workers {
		inProgress += len(w.jobs)
	}
	switch {
	case s.RequestCount > 0:
		return (jobs + inProgress + s.RequestCount - 1) / s.RequestCount
	case alive == 0 && jobs > 0:
		return 1
	default:
		return alive + max(overdue-free, 0)
	}
}
