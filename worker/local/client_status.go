package local

import (
	"net/http"
	"slices"
)

func (e *endpoint) status(w http.ResponseWriter, r *http.Request, args []string) {
	v, err := e.q.get(args[0])
	if err != nil {
		writeQueueError(w, err)
		return
	}
	writePieces(w, http.StatusOK, v.pieces()...)
}

// statusSync answers like status, but first waits until the job has ended, for
// 90 s or ?wait.
func (e *endpoint) statusSync(w http.ResponseWriter, r *http.Request, args []string) {
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
	writePieces(w, http.StatusOK, v.pieces()...)
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
