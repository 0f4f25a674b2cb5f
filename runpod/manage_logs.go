package runpod

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// A LogLine is a line that a worker wrote, or that the service wrote about the worker.
type LogLine struct {
	Source string    `json:"source"` // container, system
	Text   string    `json:"line"`
	Time   time.Time `json:"ts"`
}

// A LogQuery selects lines. The zero value selects the last 100 lines of all sources.
type LogQuery struct {
	Source string    // container or system; default both
	Tail   int       // lines before now, 0 to 5000; 0 for the service's default of 100
	Since  time.Time // instead of Tail
	// Follow continues with new lines until ctx is done. Otherwise the lines end when
	// no new one came for two seconds, because the service does not mark the end.
	Follow bool
}

// logIdle is how long to wait for another line of a log that is not followed.
const logIdle = 2 * time.Second

// WorkerLogs yields a worker's log. After a broken connection, it resumes where it was. The
// service deletes the lines of a container about two minutes after the container stops.
//
// Source: docs.runpod.io, API reference (v2), worker logs.
func (m *Management) WorkerLogs(ctx context.Context, endpoint EndpointID, worker WorkerID, q LogQuery) iter.Seq2[LogLine, error] {
	return func(yield func(LogLine, error) bool) {
		after := ""
		wait := newPacer(m.client)
		for {
			c, err := m.logCall(endpoint, worker, q, after)
			if err != nil {
				yield(LogLine{}, err)
				return
			}
			err = m.readLog(ctx, c, q.Follow, &after, func(l LogLine) bool {
				wait.soon()
				wait.since = time.Time{}
				return yield(l, nil)
			})
			if errors.Is(err, errLogDone) {
				return
			}
			if err == nil { // the service closed it
				err = &Error{Op: c.op, Endpoint: endpoint, Kind: ErrUnreachable, Message: "the log was closed"}
			}
			if err := wait.outage(ctx, err); err != nil {
				yield(LogLine{}, err)
				return
			}
		}
	}
}

// errLogDone means that the caller wants no more lines, or that there are none.
var errLogDone = errors.New("no more lines")

func (m *Management) logCall(endpoint EndpointID, worker WorkerID, q LogQuery, after string) (*call, error) {
	v := url.Values{}
	if q.Source != "" {
		v.Set("source", q.Source)
	}
	if q.Tail > 0 {
		v.Set("tail", strconv.Itoa(q.Tail))
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339))
	}
	c, err := m.call(http.MethodGet, []string{"serverless", string(endpoint), "workers", string(worker), "logs"}, v)
	if err != nil {
		return nil, err
	}
	c.open = true
	c.header.Set("Accept", "text/event-stream")
	if after != "" {
		c.header.Set("Last-Event-ID", after)
	}
	return c, nil
}

// readLog reads one connection, and stores the last line's id in after.
func (m *Management) readLog(ctx context.Context, c *call, follow bool, after *string, yield func(LogLine) bool) error {
	r, err := m.client.do(ctx, c)
	if err != nil {
		return err
	}
	defer r.stream.Close()
	var idle atomic.Bool
	if !follow {
		t := time.AfterFunc(logIdle, func() { idle.Store(true); r.stream.Close() })
		defer t.Stop()
		inner := yield
		yield = func(l LogLine) bool {
			t.Stop() // the caller's own time does not count
			defer t.Reset(logIdle)
			return inner(l)
		}
	}
	for e, err := range events(r.stream) {
		if err != nil {
			if idle.Load() {
				return errLogDone
			}
			return &Error{Op: c.op, Kind: ErrUnreachable, Cause: err}
		}
		*after = e.id
		var l LogLine
		if err := json.Unmarshal(e.data, &l); err != nil {
			l = LogLine{Text: string(bytes.ToValidUTF8(e.data, []byte("?")))}
		}
		if !yield(l) {
			return errLogDone
		}
	}
	if idle.Load() {
		return errLogDone
	}
	return nil
}
