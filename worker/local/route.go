package local

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// A route is one operation of the job API.
type route struct {
	op      string // name in rate limits and logs
	methods string // "GET", "POST" or "GET POST"
	args    int    // elements of the path after the operation
	serve   func(e *endpoint, w http.ResponseWriter, r *http.Request, args []string)
}

// routes are the operations by the path element after the endpoint. Some take
// GET and POST, because older documentation and the Go SDK use POST and newer
// documentation says GET.
var routes = map[string]route{
	"run":         {"run", "POST", 0, (*endpoint).run},
	"runsync":     {"runsync", "POST", 0, (*endpoint).runSync},
	"status":      {"status", "GET POST", 1, (*endpoint).status},
	"status-sync": {"status", "GET POST", 1, (*endpoint).statusSync},
	"stream":      {"stream", "GET POST", 1, (*endpoint).stream},
	"cancel":      {"cancel", "POST", 1, (*endpoint).cancel},
	"retry":       {"retry", "POST", 1, (*endpoint).retry},
	"purge-queue": {"purge-queue", "POST", 0, (*endpoint).purge},
	"health":      {"health", "GET", 0, (*endpoint).health},
	"requests":    {"requests", "GET", 0, (*endpoint).requests},
	"metrics":     {"metrics", "GET", 0, (*endpoint).metrics},
}

// workerRoutes are what workers call; args[0] is the worker's id.
var workerRoutes = map[string]route{
	"job-take":       {"job-take", "GET", 1, (*endpoint).jobTake},
	"job-take-batch": {"job-take-batch", "GET", 1, (*endpoint).jobTakeBatch},
	"job-stop":       {"job-stop", "GET", 1, (*endpoint).jobStop},
	"job-done":       {"job-done", "POST", 2, (*endpoint).jobDone},
	"job-stream":     {"job-stream", "POST", 2, (*endpoint).jobStream},
	"ping":           {"ping", "GET", 1, (*endpoint).ping},
}

func (e *endpoint) serve(w http.ResponseWriter, r *http.Request, parts []string) {
	if len(parts) == 0 {
		writeError(w, http.StatusNotFound, "not found")
		return
	}
	rt, ok := routes[parts[0]]
	args := parts[1:]
	wr, isWorker := workerRoutes[parts[0]]
	if isWorker {
		rt, ok = wr, len(args) > 0 && validName(args[0])
	}
	if !ok || len(args) != rt.args {
		writeError(w, http.StatusNotFound, "not found")
		return
	}
	if !allows(rt.methods, r.Method) {
		w.Header().Set("Allow", allowHeader(rt.methods))
		writeError(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	if !isWorker && rt.args == 1 && e.q.hidden(args[0]) {
		writeQueueError(w, errGone)
		return
	}
	done, ok := e.limits.enter(rt.op)
	if !ok {
		writeError(w, http.StatusTooManyRequests, "too many requests")
		return
	}
	defer done()
	if f, ok := e.srv.faults.onRequest(parts[0], isWorker); ok {
		forget := func() {
			if len(args) > 0 {
				e.q.forget(args[len(args)-1])
			}
		}
		serveFault(f, e.q.opt.Clock, w, r, forget, func(w http.ResponseWriter) { rt.serve(e, w, r, args) })
		return
	}
	rt.serve(e, w, r, args)
}

func allows(methods, m string) bool {
	return methods == m || methods == "GET POST" && (m == "GET" || m == "POST")
}

func allowHeader(methods string) string {
	if methods == "GET POST" {
		return "GET, POST"
	}
	return methods
}

// hold returns the context of a long poll. It is done when the request ends, the
// server closes, or ?wait milliseconds have passed.
func (e *endpoint) hold(r *http.Request, def time.Duration) (context.Context, func(), error) {
	d := def
	if s := r.URL.Query().Get("wait"); s != "" {
		ms, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, nil, errors.New("wait: want a number of milliseconds")
		}
		d = min(max(time.Duration(min(ms, 1e9))*time.Millisecond, waitMin), waitMax)
	}
	ctx, cancel := within(r.Context(), e.q.opt.Clock, d)
	stop := context.AfterFunc(e.srv.ctx, cancel)
	return ctx, func() { stop(); cancel() }, nil
}

// writeJSON writes v as JSON; v has to be small, because it is encoded in
// memory.
func writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		writeError(w, http.StatusInternalServerError, err.Error())
		return
	}
	writePieces(w, code, b)
}

func writeError(w http.ResponseWriter, code int, text string) {
	writeJSON(w, code, map[string]string{"error": text})
}

// writePieces writes one JSON text from several slices.
func writePieces(w http.ResponseWriter, code int, pieces ...[]byte) error {
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(n))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	for _, p := range pieces {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// writeQueueError answers with an error of the queue.
func writeQueueError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errGone):
		writeError(w, http.StatusNotFound, err.Error())
	case errors.Is(err, errQueueFull):
		writeError(w, http.StatusTooManyRequests, err.Error())
	case errors.Is(err, errRetry) || errors.Is(err, errRefused):
		writeError(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, errJournal):
		writeError(w, http.StatusInternalServerError, err.Error())
	case errors.Is(err, ErrClosed):
		writeError(w, http.StatusServiceUnavailable, "shutting down")
	default:
		writeError(w, http.StatusInternalServerError, err.Error())
	}
}
