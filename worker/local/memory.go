package local

// countLocked updates the queue's size after a change of j.
func (q *queue) countLocked(j *job) {
	n := j.bytes()
	q.size += int64(n - j.counted)
	j.counted = n
}

// endedLocked puts an ended job in line to be forgotten, and drops the input if the job
// cannot be retried: otherwise a notebook's jobs of 10 MB would stay for half an hour
// each.
func (q *queue) endedLocked(j *job) {
	if j.done == nil {
		j.done = q.done.PushBack(j)
	}
	if (j.status == StatusCompleted || j.status == StatusCancelled) && !q.opt.Unknown.LateProgress {
		j.input = nil
	}
	q.countLocked(j)
}

// unendLocked takes a job that goes on out of that line.
func (q *queue) unendLocked(j *job) {
	if j.done != nil {
		q.done.Remove(j.done)
		j.done = nil
	}
}

// evictLocked forgets ended jobs, oldest first, until so many bytes more have
// room, but never the one that ended last. It reports whether they have.
func (q *queue) evictLocked(more int64) bool {
	for q.size+more > q.opt.MaxBytes && q.done.Len() > 1 {
		q.forgetLocked(q.done.Front().Value.(*job))
	}
	return q.size+more <= q.opt.MaxBytes
}
