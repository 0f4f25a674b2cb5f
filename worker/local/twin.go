package local

import (
	"encoding/json"
	"net/http"
	"time"
)

// serveTwin is what the service does not have: the handles of the test bench,
// under /twin, with the same key.
//
//	GET, POST, DELETE /twin/faults    the faults to come; add one or {"faults": [...]}; none
//	POST /twin/clock                  {"skip_ms": n}: time passes at once
//	POST /twin/capacity               {"available": bool}: machines for new workers
func (s *Server) serveTwin(w http.ResponseWriter, r *http.Request, what string) {
	switch r.Method + " " + what {
	case "GET faults":
		writeJSON(w, http.StatusOK, map[string]any{"faults": s.Faults()})
	case "DELETE faults":
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	case "POST faults":
		fs, err := ReadFaults(r.Body)
		if err == nil {
			err = s.Inject(fs...)
		}
		if err != nil {
			writeError(w, http.StatusBadRequest, err.Error())
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"faults": s.Faults()})
	case "POST clock":
		var body struct {
			SkipMS int64 `json:"skip_ms"`
		}
		if !readTwin(w, r, &body) {
			return
		}
		c, ok := s.opt.Clock.(*SkipClock)
		if !ok || body.SkipMS < 0 || body.SkipMS > 1e12 {
			writeError(w, http.StatusBadRequest, "this clock cannot skip that")
			return
		}
		c.Skip(time.Duration(body.SkipMS) * time.Millisecond)
		writeJSON(w, http.StatusOK, map[string]any{"now": c.Now().UTC()})
	case "POST capacity":
		var body struct {
			Available bool `json:"available"`
		}
		if !readTwin(w, r, &body) {
			return
		}
		for _, e := range s.all() {
			e.q.throttle(!body.Available)
		}
		writeJSON(w, http.StatusOK, body)
	default:
		writeError(w, http.StatusNotFound, "not found")
	}
}

func readTwin(w http.ResponseWriter, r *http.Request, v any) bool {
	b, err := readBody(w, r, 1<<20)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
	}
	return err == nil
}
