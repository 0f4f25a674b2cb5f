package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	logLines   = 5000             // kept for each worker, the newest
	logLine    = 16 << 10         // bytes of a line
	logWorkers = 200              // how many workers' logs are kept
	logBeat    = 15 * time.Second // how often a comment keeps the connection open
)

// workerLogs are the lines of an endpoint's workers.
type workerLogs struct {
	clock Clock

	mu      sync.Mutex
	workers map[string]*workerLog
	order   []string // oldest first
}

type workerLog struct {
	lines []logEntry
	last  time.Time
	grown chan struct{} // closed and replaced on every line
}

type logEntry struct {
	Source string    `json:"source"` // "container" or "system"
	Line   string    `json:"line"`
	TS     time.Time `json:"ts"`
}

func newWorkerLogs(c Clock) *workerLogs {
	return &workerLogs{clock: c, workers: map[string]*workerLog{}}
}

// add appends a line. The times of a worker's lines are distinct, because they
// serve as event ids.
func (l *workerLogs) add(workerID, source, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[workerID]
	if w == nil {
		w = &workerLog{grown: make(chan struct{})}
		l.workers[workerID] = w
		if l.order = append(l.order, workerID); len(l.order) > logWorkers {
			delete(l.workers, l.order[0])
			l.order = l.order[1:]
		}
	}
	now := l.clock.Now().UTC()
	if !now.After(w.last) {
		now = w.last.Add(1)
	}
	w.last = now
	w.lines = append(w.lines, logEntry{source, strings.ToValidUTF8(line[:min(len(line), logLine)], "\uFFFD"), now})
	if len(w.lines) > logLines {
		w.lines = w.lines[len(w.lines)-logLines:]
	}
	close(w.grown)
	w.grown = make(chan struct{})
}

// after returns the lines of a worker that are newer than t, and a channel that is
// closed when a line is added.
func (l *workerLogs) after(workerID string, t time.Time) ([]logEntry, <-chan struct{}, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[workerID]
	if w == nil {
		return nil, nil, false
	}
	i := len(w.lines)
	for i > 0 && w.lines[i-1].TS.After(t) {
		i--
	}
	return append([]logEntry(nil), w.lines[i:]...), w.grown, true
}

// A lineWriter splits the output of a worker's process into lines and adds them
// to its log.
type lineWriter struct {
	logs     *workerLogs
	workerID string

	mu   sync.Mutex
	rest []byte
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, b...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok && len(w.rest) < logLine {
			return len(b), nil
		}
		w.logs.add(w.workerID, "container", strings.TrimRight(string(line), "\r"))
		w.rest = append([]byte(nil), rest...)
	}
}

// serveLogs streams a worker's log as server-sent events until the client leaves or
// the server closes.
func (s *Server) serveLogs(w http.ResponseWriter, r *http.Request, endpointID, workerID string) {
	e := s.endpoint(endpointID)
	if e == nil {
		writeProblem(w, errNotFound)
		return
	}
	query := r.URL.Query()
	source := query.Get("source")
	if source != "" && source != "container" && source != "system" {
		writeProblem(w, newProblem(http.StatusBadRequest, "source must be container or system"))
		return
	}
	from, tail, err := logStart(query.Get("since"), query.Get("tail"), r.Header.Get("Last-Event-ID"))
	if err != nil {
		writeProblem(w, err)
		return
	}
	lines, grown, ok := e.logs.after(workerID, from)
	if !ok {
		writeProblem(w, errNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	rc := http.NewResponseController(w)
	for {
		if len(lines) > 0 {
			from = lines[len(lines)-1].TS
		}
		lines = filterLines(lines, source)
		if tail >= 0 && len(lines) > tail {
			lines = lines[len(lines)-tail:]
		}
		tail = -1
		for _, l := range lines {
			b, _ := json.Marshal(l)
			if _, err := fmt.Fprintf(w, "id: %s\ndata: %s\n\n", l.TS.Format(time.RFC3339Nano), b); err != nil {
				return
			}
		}
		rc.Flush()
		beat := time.NewTimer(logBeat)
		select {
		case <-grown:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": \n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			beat.Stop()
			return
		case <-s.ctx.Done():
			beat.Stop()
			return
		}
		beat.Stop()
		if lines, grown, ok = e.logs.after(workerID, from); !ok {
			return
		}
	}
}

// logStart returns the time after which the log begins and the maximum number
// of lines (-1: all). A Last-Event-ID overrides both parameters.
func logStart(since, tail, lastID string) (from time.Time, n int, err error) {
	n = 100
	if tail != "" {
		if n, err = strconv.Atoi(tail); err != nil || n < 0 || n > logLines {
			return from, n, newProblem(http.StatusBadRequest, "tail must be 0 to %d", logLines)
		}
	}
	if since != "" {
		if from, err = time.Parse(time.RFC3339, since); err != nil {
			return from, n, newProblem(http.StatusBadRequest, "since is not RFC 3339")
		}
	}
	if lastID != "" {
		if t, err := time.Parse(time.RFC3339Nano, lastID); err == nil {
			return t, -1, nil
		}
	}
	return from, n, nil
}

func filterLines(lines []logEntry, source string) []logEntry {
	if source == "" {
		return lines
	}
	var kept []logEntry
	for _, l := range lines {
		if l.Source == source {
			kept = append(kept, l)
		}
	}
	return kept
}
