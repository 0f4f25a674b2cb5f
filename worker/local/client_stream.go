package local

import "net/http"

// stream returns the chunks that no client has read yet: {"status", "stream":
// [{"output": chunk}, ...]}. A chunk is returned once. If there is none, stream
// waits until there is one or the job has ended, for 10 s or ?wait. The status
// is not terminal while chunks are left, so a client that stops at a terminal
// status has all of them.
func (e *endpoint) stream(w http.ResponseWriter, r *http.Request, args []string) {
	ctx, done, err := e.hold(r, streamWait)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	defer done()
	if _, err := e.q.await(ctx, args[0], func(v view) bool { return v.unread || v.status.Terminal() }); err != nil {
		writeQueueError(w, err)
		return
	}
	if r.Context().Err() != nil {
		return // the client is gone: keep the chunks for the next one
	}
	chunks, more, v, err := e.q.drain(args[0])
	if err != nil {
		writeQueueError(w, err)
		return
	}
	status := v.status
	if more && status.Terminal() {
		status = StatusInProgress
	}
	pieces := make([][]byte, 0, 2*len(chunks)+2)
	pieces = append(pieces, append(appendString([]byte(`{"status":`), string(status)), `,"stream":[`...))
	for i, c := range chunks {
		if i == 0 {
			pieces = append(pieces, []byte(`{"output":`), c)
		} else {
			pieces = append(pieces, []byte(`},{"output":`), c)
		}
	}
	if len(chunks) > 0 {
		pieces = append(pieces, []byte("}"))
	}
	writePieces(w, http.StatusOK, append(pieces, []byte("]}"))...)
}
