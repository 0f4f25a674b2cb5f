package local

import (
	"encoding/json"
	"errors"
)

// mineLocked returns the job and whether workerID may report on it, because it
// was the last to take it. That includes a worker that counted as lost and comes
// back while its job waits again.
func (q *queue) mineLocked(id, workerID string) (j *job, mine bool, err error) {
	j, ok := q.jobs[id]
	if !ok {
		return nil, false, errGone
	}
	return j, j.worker == workerID && !j.status.Terminal() && !j.mute, nil
}

// chunk appends one yield to the job's stream. A report that is not for the
// running attempt is dropped without an error, as the service does.
func (q *queue) chunk(id, workerID string, raw json.RawMessage, keep bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, mine, err := q.mineLocked(id, workerID)
	if err != nil || !mine || j.status != StatusInProgress {
		return err
	}
	j.beat = q.opt.Clock.Now()
	j.streamed = true
	j.chunks = append(j.chunks, raw)
	j.chunkBytes += len(raw)
	for j.chunkBytes > maxUnread {
		j.chunkBytes -= len(j.chunks[0])
		j.chunks = j.chunks[1:]
	}
	q.countLocked(j)
	q.noteLocked(note{What: "chunk", ID: id}, raw)
	if keep {
		j.yields = append(j.yields, raw)
	}
	j.tellLocked()
	return nil
}

// progress sets the output of a running job.
func (q *queue) progress(id, workerID string, output json.RawMessage) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, mine, err := q.mineLocked(id, workerID)
	if err != nil {
		return err
	}
	if !mine {
		if q.opt.Unknown.LateProgress && j.status.Terminal() && j.worker == workerID {
			q.unendLocked(j)
			j.status, j.output = StatusInProgress, output
			j.beat = q.opt.Clock.Now()
			q.countLocked(j)
			j.tellLocked()
			q.armLocked(j)
		}
		return nil
	}
	if j.status == StatusInProgress {
		j.beat = q.opt.Clock.Now()
		j.output = output
		q.countLocked(j)
		j.tellLocked()
	}
	return nil
}

// finish ends the job: failed if failure is set, otherwise completed.
func (q *queue) finish(id, workerID string, output json.RawMessage, failure string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.workers[workerID]; w != nil {
		q.stoppedLocked(w, id)
	}
	j, mine, err := q.mineLocked(id, workerID)
	if err != nil || !mine {
		return err
	}
	if q.fault(FaultLostResult) {
		j.output, j.failure, j.yields = nil, "", nil
		q.endLocked(j, StatusCompleted)
		return errRefused
	}
	late := q.fault(FaultLateProgress)
	input := j.input
	j.output, j.failure, j.yields = output, failure, nil
	if failure != "" {
		q.endLocked(j, StatusFailed)
	} else {
		q.endLocked(j, StatusCompleted)
	}
	if late {
		q.unendLocked(j)
		j.status, j.input = StatusInProgress, input
		q.countLocked(j)
		j.tellLocked()
		q.armLocked(j)
	}
	return nil
}

// errRefused answers a worker whose result FaultLostResult refuses.
var errRefused = errors.New("the result was refused")

// refuse ends a job whose result the endpoint cannot accept: the job is COMPLETED without
// output, and nothing tells the client that there was one.
//
// Source: runpod-python issue 309, worker-comfyui issue 167.
func (q *queue) refuse(id, workerID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j, mine, err := q.mineLocked(id, workerID); err == nil && mine {
		j.output, j.failure, j.yields = nil, "", nil
		q.endLocked(j, StatusCompleted)
	}
}

// drain removes and returns the unread chunks of a job, roughly maxStream bytes
// at most.
func (q *queue) drain(id string) (chunks []json.RawMessage, more bool, v view, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return nil, false, view{}, errGone
	}
	n, size := 0, 0
	for n < len(j.chunks) && (n == 0 || size+len(j.chunks[n]) <= maxStream) {
		size += len(j.chunks[n])
		n++
	}
	chunks, j.chunks = j.chunks[:n:n], j.chunks[n:]
	if len(j.chunks) == 0 {
		j.chunks = nil
	}
	j.chunkBytes -= size
	q.countLocked(j)
	if n > 0 {
		q.noteLocked(note{What: "drain", ID: id, N: n}, nil)
	}
	return chunks, len(j.chunks) > 0, j.viewLocked(), nil
}
