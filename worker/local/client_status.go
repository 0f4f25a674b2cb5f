package local

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (e *endpoint) status(w http.ResponseWriter, r *http.Request, args []string) {
	ttl, err := statusTTL(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	v, err := e.q.get(args[0])
	if err != nil {
		writeQueueError(w, err)
		return
	}
	if ttl > 0 {
		e.q.expire(args[0], ttl)
	}
	writePieces(w, http.StatusOK, v.pieces()...)
}

// statusSync answers like status, but first waits until the job has ended, for
// 90 s or ?wait.
func (e *endpoint) statusSync(w http.ResponseWriter, r *http.Request, args []string) {
	ttl, err := statusTTL(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	ctx, done, err := e.hold(r, statusWait)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	defer done()
	v, err := e.q.await(ctx, args[0], terminal)
	if err != nil {
		writeQueueError(w, err)
		return
	}
	if ttl > 0 {
		e.q.expire(args[0], ttl)
	}
	writePieces(w, http.StatusOK, v.pieces()...)
}

// statusTTL returns ?ttl of a status request: after how long the service may forget the job,
// sooner than it would by itself. 0 means that the request does not say.
//
// Source: docs.runpod.io, "Operation reference", /status: ?ttl=6000 is 6 seconds.
func statusTTL(r *http.Request) (time.Duration, error) {
	s := r.URL.Query().Get("ttl")
	if s == "" {
		return 0, nil
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms <= 0 {
		return 0, fmt.Errorf("ttl: want a number of milliseconds above 0, got %.40q", s)
	}
	return time.Duration(min(ms, 1e9)) * time.Millisecond, nil
}

func (e *endpoint) health(w http.ResponseWriter, _ *http.Request, _ []string) {
	writeJSON(w, http.StatusOK, e.q.health())
}

// requests lists the jobs, oldest first. The service has the operation but does
// not document it; outputs are left out here.
func (e *endpoint) requests(w http.ResponseWriter, _ *http.Request, _ []string) {
	all := e.q.list()
	slices.SortFunc(all, func(a, b view) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		if a.id < b.id {
			return -1
		}
		return 1
	})
	b := []byte(`{"requests":[`)
	for i, v := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(v.appendJob(b), '}')
	}
	writePieces(w, http.StatusOK, append(b, "]}"...))
}

// metrics answers what RunPod's flash asks for: the ids of the ready workers,
// and the counts.
func (e *endpoint) metrics(w http.ResponseWriter, _ *http.Request, _ []string) {
	writeJSON(w, http.StatusOK, struct {
		ReadyWorkers []string     `json:"readyWorkers"`
		Workers      WorkerCounts `json:"workers"`
	}{e.q.readyWorkers(), e.q.health().Workers})
}
