package local

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// A Status is the state of a job, in RunPod's words.
type Status string

// The statuses of a job.
//
// Source: docs.runpod.io, Serverless, "Job states and metrics".
const (
	StatusInQueue    Status = "IN_QUEUE"
	StatusInProgress Status = "IN_PROGRESS"
	StatusCompleted  Status = "COMPLETED"
	StatusFailed     Status = "FAILED"
	StatusCancelled  Status = "CANCELLED"
	StatusTimedOut   Status = "TIMED_OUT"
)

// Terminal reports whether a job in this status has ended.
func (s Status) Terminal() bool { return s != StatusInQueue && s != StatusInProgress }

// A submission is a job as a client sent it.
type submission struct {
	input    json.RawMessage
	webhook  string
	s3Config json.RawMessage
	sync     bool // from /runsync: other id, shorter retention

	executionTimeout time.Duration
	ttl              time.Duration
	lowPriority      bool
}

// A job is a submission and its state. The queue's mu guards the fields below
// sub; byte slices are never changed once set.
type job struct {
	id  string
	sub submission

	status   Status
	retries  int
	worker   string // of the latest attempt
	attached bool   // that worker is attached
	created  time.Time
	queued   time.Time // when it last began to wait
	started  time.Time // of the latest attempt
	finished time.Time
	expires  time.Time       // when the job is forgotten at the latest, if a client said so; see queue.expire
	beat     time.Time       // the latest sign of life from its worker
	input    json.RawMessage // nil when it is not needed any more
	output   json.RawMessage
	failure  string        // error text
	counted  int           // the bytes counted for it in the queue's size
	done     *list.Element // its place among the ended jobs

	chunks     []json.RawMessage // yields that nobody has read yet
	chunkBytes int
	yields     []json.RawMessage // all yields of the attempt, for workers in this process
	streamed   bool

	mute    bool                    // FaultMute: the queue ignores its worker
	changed chan struct{}           // closed and replaced on every change
	element *list.Element           // its place in the queue, nil when taken
	stop    func() bool             // stops the timer of the next deadline
	cancel  context.CancelCauseFunc // cancels the handler in this process, nil for attached workers
}

// A view is a job at one moment, for encoding outside the lock.
type view struct {
	id       string
	status   Status
	retries  int
	worker   string
	delay    time.Duration // < 0: not known
	exec     time.Duration // < 0: not known
	input    json.RawMessage
	output   json.RawMessage
	failure  string
	sub      *submission // without its input
	created  time.Time
	finished time.Time
	changed  <-chan struct{}
	unread   bool // chunks wait for a reader
}

// bytes returns roughly how much memory j holds.
func (j *job) bytes() int {
	return 1000 + len(j.input) + len(j.output) + len(j.failure) + j.chunkBytes
}

// viewLocked returns j as it is now. The caller holds the queue's mu.
func (j *job) viewLocked() view {
	v := view{id: j.id, status: j.status, retries: j.retries, delay: -1, exec: -1,
		input: j.input, output: j.output, failure: j.failure, sub: &j.sub, created: j.created, finished: j.finished, changed: j.changed, unread: len(j.chunks) > 0}
	if j.status != StatusInQueue && !j.started.IsZero() {
		v.worker = j.worker
		v.delay = j.started.Sub(j.created)
		if j.status.Terminal() {
			v.exec = j.finished.Sub(j.started)
		}
	}
	return v
}

// appendJob appends the job object without its closing brace and without its
// output, which can be megabytes and is written separately.
func (v view) appendJob(b []byte) []byte {
	b = append(b, '{')
	if v.delay >= 0 {
		b = append(b, `"delayTime":`...)
		b = strconv.AppendInt(b, v.delay.Milliseconds(), 10)
		b = append(b, ',')
	}
	if v.failure != "" {
		b = append(b, `"error":`...)
		b = appendString(b, v.failure)
		b = append(b, ',')
	}
	if v.exec >= 0 {
		b = append(b, `"executionTime":`...)
		b = strconv.AppendInt(b, v.exec.Milliseconds(), 10)
		b = append(b, ',')
	}
	b = append(b, `"id":`...)
	b = appendString(b, v.id)
	if v.retries > 0 {
		b = append(b, `,"retries":`...)
		b = strconv.AppendInt(b, int64(v.retries), 10)
	}
	b = append(b, `,"status":`...)
	b = appendString(b, string(v.status))
	if v.worker != "" {
		b = append(b, `,"workerId":`...)
		b = appendString(b, v.worker)
	}
	return b
}

// pieces returns the job object in parts, without copying the output.
func (v view) pieces() [][]byte {
	head := v.appendJob(make([]byte, 0, 256))
	if v.output == nil {
		return [][]byte{append(head, '}')}
	}
	return [][]byte{append(head, `,"output":`...), v.output, []byte("}")}
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // cannot happen for a string
		panic(err)
	}
	return append(b, q...)
}

// newID returns a random UUID with a region suffix, like RunPod's ids.
func newID(sync bool) string {
	var u [16]byte
	rand.Read(u[:]) // never fails
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	h := hex.EncodeToString(u[:])
	id := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:] + "-u1"
	if sync {
		return "sync-" + id
	}
	return id
}
