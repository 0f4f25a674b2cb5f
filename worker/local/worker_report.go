package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A report is the body of job-done and job-stream. It is JSON whatever its
// content type says: the SDK calls it a form.
type report struct {
	output   json.RawMessage // nil: absent
	failure  string
	progress bool // status is IN_PROGRESS
	stopPod  bool // the worker wants to be replaced
}

func parseReport(body []byte) (rep report, err error) {
	fields, err := splitObject(body)
	if err != nil {
		return rep, err
	}
	for _, f := range fields {
		switch f.key {
		case "output":
			rep.output = f.raw
		case "error":
			rep.failure = failureText(f.raw)
		case "status":
			rep.progress = string(f.raw) == `"IN_PROGRESS"`
		case "stopPod":
			rep.stopPod = string(f.raw) == "true"
		}
	}
	return rep, nil
}

// failureText returns the error of a report: a string as it is, anything else as
// JSON. An empty string and null mean no error.
func failureText(raw json.RawMessage) string {
	var s string
	if isNull(raw) || json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// readReport reads and checks a report. It answers an invalid one with 400,
// which the SDK takes as final: the result is lost, as on the service.
func (e *endpoint) readReport(w http.ResponseWriter, r *http.Request) (rep report, ok bool) {
	body, err := readBody(w, r, e.q.opt.MaxRunSync)
	if err == nil && e.q.opt.Unknown.NaN {
		body = nullNaN(body)
	}
	if err == nil {
		rep, err = parseReport(body)
	}
	if err != nil {
		if errors.Is(err, errTooLarge) {
			w.Header().Set("Connection", "close")
		}
		e.srv.opt.Log.Warn("a worker's report was refused", "err", err)
		writeError(w, http.StatusBadRequest, err.Error())
	}
	return rep, err == nil
}

// jobDone takes the result of a job, or a progress update, which the SDK posts here
// too.
func (e *endpoint) jobDone(w http.ResponseWriter, r *http.Request, args []string) {
	workerID, id := args[0], args[1]
	rep, ok := e.readReport(w, r)
	if !ok {
		if r.Context().Err() == nil { // the body arrived or is too large: the worker will not send it again
			e.q.refuse(id, workerID)
		}
		return
	}
	var err error
	if rep.progress {
		err = e.q.progress(id, workerID, rep.output)
	} else {
		err = e.q.finish(id, workerID, rep.output, rep.failure)
	}
	if rep.stopPod {
		e.q.leave(workerID)
	}
	e.answerReport(w, err)
}

// jobStream takes one yield.
func (e *endpoint) jobStream(w http.ResponseWriter, r *http.Request, args []string) {
	rep, ok := e.readReport(w, r)
	if !ok {
		return
	}
	if rep.output == nil {
		writeError(w, http.StatusBadRequest, "output is missing")
		return
	}
	chunks, err := splitChunk(rep.output, e.q.opt.MaxChunk)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	for _, c := range chunks {
		if err = e.q.chunk(args[1], args[0], c, false); err != nil {
			break
		}
	}
	e.answerReport(w, err)
}

func (e *endpoint) answerReport(w http.ResponseWriter, err error) {
	if err != nil {
		writeQueueError(w, err)
		return
	}
	writePieces(w, http.StatusOK, []byte("{}"))
}

// splitChunk splits a string that is larger than a chunk into several; other
// values cannot be split.
func splitChunk(raw json.RawMessage, limit int) ([]json.RawMessage, error) {
	if len(raw) <= limit {
		return []json.RawMessage{raw}, nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil, fmt.Errorf("a chunk that is not a string has %d bytes; the limit is %d", len(raw), limit)
	}
	// A byte of text takes six bytes of JSON at most.
	step := max(limit/6, 4)
	var out []json.RawMessage
	for len(s) > 0 {
		n := min(step, len(s))
		for n < len(s) && n > step-4 && s[n]&0xC0 == 0x80 { // not inside a rune
			n--
		}
		out = append(out, appendString(nil, s[:n]))
		s = s[n:]
	}
	return out, nil
}

// nullNaN replaces NaN, Infinity and -Infinity, which Python's json writes
// bare, with null. If b is not JSON otherwise, it returns b unchanged; the
// caller's check reports the error.
func nullNaN(b []byte) []byte {
	if err := checkValue(b); err == nil {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if b[i] == '"' {
			end, err := str(b, i)
			if err != nil {
				return b
			}
			out = append(out, b[i:end]...)
			i = end
			continue
		}
		n := 0
		for _, token := range []string{"NaN", "-Infinity", "Infinity"} {
			if strings.HasPrefix(string(b[i:min(i+len(token), len(b))]), token) {
				n = len(token)
				break
			}
		}
		if n == 0 {
			out = append(out, b[i])
			i++
			continue
		}
		out = append(out, "null"...)
		i += n
	}
	return out
}
