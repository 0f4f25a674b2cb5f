package local

import (
	"bufio"
	"errors"
	"os"
)

var errJournal = errors.New("the job could not be written to disk")

// jobNote returns the part of a job that never changes.
func (j *job) jobNote() note {
	s := &j.sub
	return note{What: "job", ID: j.id, Webhook: s.webhook, S3Config: s.s3Config, Sync: s.sync,
		Exec: int64(s.executionTimeout), TTL: int64(s.ttl), Low: s.lowPriority}
}

// stateNote returns the rest of a job, except the chunks.
func (j *job) stateNote() note {
	return note{What: "state", ID: j.id, Status: j.status, Retries: j.retries, Worker: j.worker, Attached: j.attached,
		Created: nano(j.created), Started: nano(j.started), Finished: nano(j.finished), Output: j.output != nil, Failure: j.failure}
}

func (j *job) expiryNote() note { return note{What: "expiry", ID: j.id, Expires: nano(j.expires)} }

// noteLocked appends a record if there is a journal. After an error the server
// continues with the jobs in memory and logs the error.
func (q *queue) noteLocked(n note, blob []byte) error {
	l := q.journal
	if l == nil || q.closed {
		return nil
	}
	size, err := writeRecord(l.file, n, blob)
	if err != nil {
		q.opt.Log.Error("cannot write the journal", "err", err)
		return errJournal
	}
	if l.size += size; l.size > 2*l.live+l.room {
		if err := q.compactLocked(); err != nil {
			q.opt.Log.Error("cannot compact the journal", "err", err)
		}
	}
	return nil
}

// saveLocked writes the state of j to the journal.
func (q *queue) saveLocked(j *job) error { return q.noteLocked(j.stateNote(), j.output) }

// compactLocked replaces the journal with a new one that holds only the current
// jobs.
func (q *queue) compactLocked() error {
	l := q.journal
	tmp := l.path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	size, err := q.dumpLocked(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(tmp, l.path)
	}
	if err != nil {
		f.Close()
		os.Remove(tmp)
		return err
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.size, l.live = f, size, size
	return nil
}

// dumpLocked writes every job, beginning with those that wait, in their order.
func (q *queue) dumpLocked(w *bufio.Writer) (size int64, err error) {
	dump := func(j *job) {
		add := func(n note, blob []byte) {
			if err == nil {
				var s int64
				s, err = writeRecord(w, n, blob)
				size += s
			}
		}
		add(j.jobNote(), j.input)
		add(j.stateNote(), j.output)
		if !j.expires.IsZero() {
			add(j.expiryNote(), nil)
		}
		for _, c := range j.chunks {
			add(note{What: "chunk", ID: j.id}, c)
		}
	}
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		dump(e.Value.(*job))
	}
	for _, j := range q.jobs {
		if j.element == nil {
			dump(j)
		}
	}
	return size, err
}

// close closes the journal; the file stays on disk.
func (l *journal) close() {
	l.file.Close()
	l.lock.Close()
}
