package local

import (
	"net/http"
)

// cancel ends a job; for a job that has ended it returns the status that the
// job has.
func (e *endpoint) cancel(w http.ResponseWriter, _ *http.Request, args []string) {
	v, err := e.q.cancel(args[0])
	if err != nil {
		writeQueueError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, idStatus{v.id, v.status})
}

func (e *endpoint) retry(w http.ResponseWriter, _ *http.Request, args []string) {
	v, err := e.q.retry(args[0])
	if err != nil {
		writeQueueError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, idStatus{v.id, v.status})
}

func (e *endpoint) purge(w http.ResponseWriter, _ *http.Request, _ []string) {
	writeJSON(w, http.StatusOK, struct {
		Removed int    `json:"removed"`
		Status  string `json:"status"`
	}{e.q.purge(), "completed"})
}
