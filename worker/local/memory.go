package local

// countLocked updates the queue's size after j has changed.
func (q *queue) countLocked(j *job) {
	n := j.bytes()
	q.size += int64(n - j.counted)
	j.counted = n
}

// endedLocked adds an ended job to the list of jobs to forget. It drops the input if
// the job cannot be retried: otherwise each of a notebook's 10 MB jobs would stay in
// memory for half an hour.
func (q *queue) endedLocked(j *job) {
	if j.done == nil {
		j.done = q.done.PushBack(j)
	}
	if (j.status == StatusCompleted || j.status == StatusCancelled) && !q.opt.Unknown.LateProgress {
		j.input = nil
	}
	q.countLocked(j)
}

// unendLocked removes a job that continues from that list.
func (q *queue) unendLocked(j *job) {
	if j.done != nil {
		q.done.Remove(j.done)
		j.done = nil
	}
}

// evictLocked forgets ended jobs, oldest first, until there is room for more
// bytes. It never forgets the job that ended last. It reports whether there is
// room.
func (q *queue) evictLocked(more int64) bool {
	for q.size+more > q.opt.MaxBytes && q.done.Len() > 1 {
		q.forgetLocked(q.done.Front().Value.(*job))
	}
	return q.size+more <= q.opt.MaxBytes
}
