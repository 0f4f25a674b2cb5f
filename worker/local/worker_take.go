package local

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
)

// maxBatch bounds how many jobs one worker takes at a time.
const maxBatch = 100

// jobTake gives the next job to a worker, or answers 204 if there is none
// within takeWait.
func (e *endpoint) jobTake(w http.ResponseWriter, r *http.Request, args []string) {
	e.deliver(w, r, args[0], 1, false)
}

// jobTakeBatch gives a worker an array of jobs, batch_size at most.
func (e *endpoint) jobTakeBatch(w http.ResponseWriter, r *http.Request, args []string) {
	n, err := strconv.Atoi(r.URL.Query().Get("batch_size"))
	if err != nil || n < 1 {
		writeError(w, http.StatusBadRequest, "batch_size must be a positive number")
		return
	}
	e.deliver(w, r, args[0], min(n, maxBatch), true)
}

func (e *endpoint) deliver(w http.ResponseWriter, r *http.Request, workerID string, n int, batch bool) {
	ctx, done := e.poll(r, workerID)
	defer done()
	got := e.q.take(ctx, workerID, n)
	if len(got) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var pieces [][]byte
	if batch {
		pieces = append(pieces, []byte("["))
	}
	for i, d := range got {
		if i > 0 {
			pieces = append(pieces, []byte(","))
		}
		pieces = append(pieces, d.pieces()...)
	}
	if batch {
		pieces = append(pieces, []byte("]"))
	}
	if err := writePieces(w, http.StatusOK, pieces...); err != nil || r.Context().Err() != nil {
		for i := len(got) - 1; i >= 0; i-- {
			e.q.untake(got[i].id, workerID)
		}
	}
}

// poll enlists the worker and returns the context of its long poll. The context
// is done early if the worker is retired, so that no job goes to a worker that
// will exit.
func (e *endpoint) poll(r *http.Request, workerID string) (context.Context, func()) {
	left := e.q.pollBegins(workerID, r.URL.Query().Get("gpu"))
	ctx, cancel := within(r.Context(), e.q.opt.Clock, takeWait)
	stop := context.AfterFunc(e.srv.ctx, cancel)
	leaving := make(chan struct{})
	go func() {
		select {
		case <-left:
			cancel()
		case <-leaving:
		}
	}()
	return ctx, func() { close(leaving); stop(); cancel(); e.q.pollEnds(workerID) }
}

// pieces returns the delivery in the form that the SDK reads. It leaves out an
// empty input, as the service does.
func (d delivery) pieces() [][]byte {
	head := []byte(`{"delayTime":`)
	head = strconv.AppendInt(head, d.delay, 10)
	head = append(head, `,"error":"","executionTime":0,"id":`...)
	head = appendString(head, d.id)
	head = append(head, `,"retries":`...)
	head = strconv.AppendInt(head, int64(d.retries), 10)
	head = append(head, `,"status":0`...)
	if d.sub.webhook != "" {
		head = appendString(append(head, `,"webhook":`...), d.sub.webhook)
	}
	if d.sub.s3Config != nil {
		head = append(append(head, `,"s3Config":`...), d.sub.s3Config...)
	}
	if d.noInput {
		return [][]byte{append(head, '}')}
	}
	return [][]byte{append(head, `,"input":`...), d.input, []byte("}")}
}

// jobStop answers with the ids of the jobs that the worker has to stop, or 204.
func (e *endpoint) jobStop(w http.ResponseWriter, r *http.Request, args []string) {
	ctx, done := e.poll(r, args[0])
	defer done()
	ids := e.q.awaitStops(ctx, args[0])
	if len(ids) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	b, _ := json.Marshal(map[string][]string{"jobsToStop": ids}) // strings only
	writePieces(w, http.StatusOK, b)
}
