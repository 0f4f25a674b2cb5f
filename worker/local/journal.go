package local

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// A journal is the file from which a queue reads its jobs back after a restart.
// It is a sequence of records, each
//
//	u32 LE  length of the head
//	u32 LE  length of the blob
//	u32 LE  CRC-32 (IEEE) of head and blob
//	head    JSON, a note
//	blob    bytes: an input, an output or a chunk
//
// Reading stops at a damaged record: the process died while writing it, before
// it answered a client about it.
type journal struct {
	path string
	file *os.File
	size int64
	live int64 // size after the last compaction
	room int64 // compactAt
	lock io.Closer
}

// A note is the head of a record. What determines which fields are used.
type note struct {
	What string `json:"what"` // "job", "state", "expiry", "chunk", "drain", "reset", "gone"
	ID   string `json:"id"`

	// job: the blob is the input
	Webhook  string          `json:"webhook,omitempty"`
	S3Config json.RawMessage `json:"s3,omitempty"`
	Sync     bool            `json:"sync,omitempty"`
	Exec     int64           `json:"exec,omitempty"`
	TTL      int64           `json:"ttl,omitempty"`
	Low      bool            `json:"low,omitempty"`

	// state: the blob is the output, if Output is set
	Status   Status `json:"status,omitempty"`
	Retries  int    `json:"retries,omitempty"`
	Worker   string `json:"worker,omitempty"`
	Attached bool   `json:"attached,omitempty"`
	Created  int64  `json:"created,omitempty"`
	Started  int64  `json:"started,omitempty"`
	Finished int64  `json:"finished,omitempty"`
	Output   bool   `json:"output,omitempty"`
	Failure  string `json:"failure,omitempty"`

	Expires int64 `json:"expires,omitempty"` // expiry

	N int `json:"n,omitempty"` // drain: how many chunks were read
}

const (
	recordHead = 12
	// maxNote bounds a head, in bytes; the longest part of a head is an error
	// text.
	maxNote = 64 << 20
	// compactAt bounds the growth of a journal, in bytes: it is compacted once its
	// size exceeds compactAt plus twice its size after the last compaction.
	compactAt = 256 << 20
)

var errRecord = errors.New("local: a damaged record")

// readRecord reads one record; io.EOF means the end of the file after a whole
// record.
func readRecord(r io.Reader, maxBlob int) (n note, blob []byte, size int64, err error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return n, nil, 0, err
	}
	nh, nb := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[4:])
	if nh > maxNote || uint64(nb) > uint64(maxBlob) {
		return n, nil, 0, errRecord
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(nh)+int64(nb)))
	if err != nil || len(b) != int(nh)+int(nb) || crc32.ChecksumIEEE(b) != binary.LittleEndian.Uint32(head[8:]) {
		return n, nil, 0, errRecord
	}
	if err := json.Unmarshal(b[:nh], &n); err != nil {
		return n, nil, 0, errRecord
	}
	return n, b[nh:], int64(recordHead + len(b)), nil
}

func writeRecord(w io.Writer, n note, blob []byte) (int64, error) {
	b, err := json.Marshal(n)
	if err != nil {
		return 0, err
	}
	sum := crc32.Update(crc32.ChecksumIEEE(b), crc32.IEEETable, blob)
	head := make([]byte, 0, recordHead+len(b))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(b)))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(blob)))
	head = binary.LittleEndian.AppendUint32(head, sum)
	if _, err := w.Write(append(head, b...)); err != nil {
		return 0, err
	}
	if _, err := w.Write(blob); err != nil {
		return 0, err
	}
	return int64(recordHead + len(b) + len(blob)), nil
}

// openJournal reads the jobs of an endpoint back into q, a new queue, and opens
// the journal for it.
func openJournal(dir, endpointID string, q *queue) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("local: state: %w", err)
	}
	path := filepath.Join(dir, endpointID+".jobs")
	lock, err := scratch.Hold(path+".lock", os.O_CREATE)
	if err != nil {
		return fmt.Errorf("local: state in %s is used by another process: %w", dir, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.restoreLocked(path); err != nil {
		lock.Close()
		return fmt.Errorf("local: state: %w", err)
	}
	q.journal = &journal{path: path, lock: lock, room: compactAt}
	if err := q.compactLocked(); err != nil {
		lock.Close()
		return fmt.Errorf("local: state: %w", err)
	}
	return nil
}

// restoreLocked replays a journal. Jobs are restored as they were, with two
// exceptions: a job that ran in this process waits again, in its old place, and a
// job that ran on an attached worker gets a fresh heartbeat.
func (q *queue) restoreLocked(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var order []*job
	for {
		n, blob, _, err := readRecord(r, max(q.opt.MaxRun, q.opt.MaxRunSync))
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errRecord) {
			break
		}
		if err != nil {
			return err
		}
		if j := q.replayLocked(n, blob); j != nil {
			order = append(order, j)
		}
	}
	// Compacting a journal loses the order of its records. Ended jobs must be forgotten in
	// the order in which they ended, and the others must run in the order of submission.
	since := func(j *job) time.Time {
		if j.status.Terminal() {
			return j.finished
		}
		return j.created
	}
	slices.SortStableFunc(order, func(a, b *job) int { return since(a).Compare(since(b)) })
	for _, j := range order {
		if q.jobs[j.id] == j {
			q.resumeLocked(j)
		}
	}
	return nil
}

// replayLocked applies one record; for a "job" record it returns the new job.
func (q *queue) replayLocked(n note, blob []byte) *job {
	j := q.jobs[n.ID]
	if n.What == "job" {
		j = &job{id: n.ID, input: blob, changed: make(chan struct{}), sub: submission{webhook: n.Webhook, s3Config: n.S3Config,
			sync: n.Sync, executionTimeout: time.Duration(n.Exec), ttl: time.Duration(n.TTL), lowPriority: n.Low}}
		q.jobs[n.ID] = j
		return j
	}
	if j == nil {
		return nil
	}
	switch n.What {
	case "state":
		j.status, j.retries, j.worker, j.failure = n.Status, n.Retries, n.Worker, n.Failure
		j.created, j.started, j.finished = fromNano(n.Created), fromNano(n.Started), fromNano(n.Finished)
		j.output = nil
		if n.Output {
			j.output = blob
		}
		j.attached = n.Attached
	case "expiry":
		j.expires = fromNano(n.Expires)
	case "chunk":
		j.chunks = append(j.chunks, blob)
		j.chunkBytes += len(blob)
	case "drain":
		for range min(n.N, len(j.chunks)) {
			j.chunkBytes -= len(j.chunks[0])
			j.chunks = j.chunks[1:]
		}
	case "reset":
		q.clearLocked(j)
	case "gone":
		delete(q.jobs, n.ID)
	}
	return nil
}

func (q *queue) resumeLocked(j *job) {
	switch {
	case j.status == "": // no client was told that it was accepted
		delete(q.jobs, j.id)
		return
	case j.status.Terminal():
		q.endedLocked(j)
	case j.status == StatusInProgress && j.attached:
		w := q.enlistLocked(j.worker, true, "")
		w.jobs[j.id] = j
		j.beat = q.opt.Clock.Now()
		q.watchLocked(w)
	default:
		q.clearLocked(j)
		q.enqueueLocked(j, false)
	}
	q.countLocked(j)
	q.armLocked(j)
}

func nano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}
