package local

import (
	"encoding/json"
	"net/http"
	"time"
)

// serveTwin serves the controls for tests under /twin, with the same key. The
// service has nothing like them.
//
//	GET, POST, DELETE /twin/faults    list the pending faults; add one or {"faults": [...]}; remove all
//	POST /twin/clock                  {"skip_ms": n}: skip time
//	POST /twin/capacity               {"available": bool}: whether there are machines for new workers
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
			writeError(w, http.StatusBadRequest, "skip_ms: want 0 to 1e12 and a clock that can skip time")
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
