package local

// enlist makes a worker known; known ones keep their jobs.
func (q *queue) enlist(id string, attached bool, gpu string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.opt.Clock.Now()
	w := q.workers[id]
	if w == nil {
		w = &workerRecord{id: id, jobs: map[string]*job{}, stopped: make(chan struct{}), since: now}
		q.workers[id] = w
	}
	w.attached, w.seen = attached, now
	if gpu != "" {
		w.gpu = gpu
	}
}

// dismiss forgets a worker; its jobs go to others.
func (q *queue) dismiss(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.workers[id]
	if w == nil {
		return
	}
	delete(q.workers, id)
	for _, j := range w.jobs {
		q.lostLocked(j)
	}
}

// Health is the answer of /health.
type Health struct {
	Jobs    JobCounts    `json:"jobs"`
	Workers WorkerCounts `json:"workers"`
}

// JobCounts are the jobs of /health. Completed, Failed and Retried count since
// the start.
type JobCounts struct {
	Completed  int `json:"completed"`
	Failed     int `json:"failed"`
	InProgress int `json:"inProgress"`
	InQueue    int `json:"inQueue"`
	Retried    int `json:"retried"`
}

// WorkerCounts are the workers of /health. Ready ones are those that idle.
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
	for _, w := range q.workers {
		h.Jobs.InProgress += len(w.jobs)
		switch {
		case w.state == workerUnhealthy:
			h.Workers.Unhealthy++
		case w.state == workerStarting:
			h.Workers.Initializing++
		case len(w.jobs) > 0:
			h.Workers.Running++
		default:
			h.Workers.Idle++
			h.Workers.Ready++
		}
	}
	return h
}

// readyWorkers are the ids of the workers that idle, in no order.
func (q *queue) readyWorkers() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	ids := []string{}
	for _, w := range q.workers {
		if w.state == workerReady && len(w.jobs) == 0 {
			ids = append(ids, w.id)
		}
	}
	return ids
}
