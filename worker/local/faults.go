package local

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A FaultKind is something that goes wrong.
type FaultKind string

const (
	// FaultStatus answers Status with an empty body.
	FaultStatus FaultKind = "status"
	// FaultSlow carries out the operation and holds back the first byte for
	// DelayMS.
	FaultSlow FaultKind = "slow"
	// FaultCut closes the connection without an answer.
	FaultCut FaultKind = "cut"
	// FaultTruncate sends half of the answer's body and closes the connection.
	FaultTruncate FaultKind = "truncate"
	// FaultGone forgets the job that the request names, so the answer is a 404.
	FaultGone FaultKind = "gone"
	// FaultDuplicate delivers the next job to a second worker too.
	FaultDuplicate FaultKind = "duplicate"
	// FaultMute silences the worker that takes the next job: the queue ignores
	// its heartbeats and its reports about this attempt.
	FaultMute FaultKind = "mute"
	// FaultLateProgress makes a progress update arrive after the next result, so
	// the job stays IN_PROGRESS.
	FaultLateProgress FaultKind = "late-progress"
	// FaultLostResult refuses the next result with 400: its job becomes COMPLETED
	// without output, as happens on RunPod.
	FaultLostResult FaultKind = "lost-result"
)

// A Fault is something that a test of clients or workers makes go wrong.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Op names the operation, such as "run", "status" or "job-done"; if it is empty,
	// the fault applies to every operation of the client plane. "status-sync" is an
	// operation of its own; requests of the management API are "manage-get",
	// "manage-post", "manage-patch" and "manage-delete". FaultDuplicate, FaultMute,
	// FaultLateProgress and FaultLostResult ignore Op.
	Op string `json:"op,omitempty"`
	// Skip is how many requests pass before the first one that fails.
	Skip int `json:"skip,omitempty"`
	// Count is how often it happens. The default is 1; -1 means until ClearFaults.
	Count int `json:"count,omitempty"`
	// After makes FaultStatus and FaultCut carry out the operation first.
	After bool `json:"after,omitempty"`
	// Status is the HTTP status of FaultStatus. The default is 500.
	Status int `json:"status,omitempty"`
	// RetryAfter is the Retry-After header of FaultStatus in seconds; 0 means
	// none.
	RetryAfter int `json:"retry_after,omitempty"`
	// DelayMS is how many milliseconds FaultSlow waits. The default is 1000.
	DelayMS int `json:"delay_ms,omitempty"`
}

func (f Fault) check() error {
	kinds := []FaultKind{FaultStatus, FaultSlow, FaultCut, FaultTruncate, FaultGone, FaultDuplicate, FaultMute, FaultLateProgress, FaultLostResult}
	_, client := routes[f.Op]
	_, work := workerRoutes[f.Op]
	manage := slices.Contains(manageOps, f.Op)
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("local: unknown fault %q; known: %v", f.Kind, kinds)
	case f.Op != "" && !client && !work && !manage || manage && f.Kind == FaultGone:
		return fmt.Errorf("local: unknown operation %q in a fault", f.Op)
	case f.Skip < 0 || f.Count < -1 || f.DelayMS < 0 || f.RetryAfter < 0 || f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("local: a number is out of range in the fault %+v", f)
	}
	return nil
}

// faults holds the faults that have not happened yet.
type faults struct {
	mu   sync.Mutex
	list []Fault
}

// ReadFaults reads faults in the form of POST /twin/faults: {"faults": [...]}
// or a single fault.
func ReadFaults(r io.Reader) ([]Fault, error) {
	var body struct {
		Fault
		Faults []Fault `json:"faults"`
	}
	d := json.NewDecoder(io.LimitReader(r, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return nil, fmt.Errorf("local: faults: %w", err)
	}
	if body.Kind != "" {
		body.Faults = append(body.Faults, body.Fault)
	}
	for _, f := range body.Faults {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	return body.Faults, nil
}

// Inject adds faults.
func (s *Server) Inject(fs ...Fault) error {
	for _, f := range fs {
		if err := f.check(); err != nil {
			return err
		}
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for _, f := range fs {
		def(&f.Count, 1)
		def(&f.Status, 500)
		def(&f.DelayMS, 1000)
		s.faults.list = append(s.faults.list, f)
	}
	return nil
}

// Faults returns the faults that have not happened yet.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return slices.Clone(s.faults.list)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// next takes the first fault for which wants returns true. A fault that has
// requests left to skip counts this one and is passed over.
func (fs *faults) next(wants func(Fault) bool) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i := range fs.list {
		f := &fs.list[i]
		if !wants(*f) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		got := *f
		if f.Count > 0 {
			if f.Count--; f.Count == 0 {
				fs.list = slices.Delete(fs.list, i, i+1)
			}
		}
		return got, true
	}
	return Fault{}, false
}

// onRequest returns the fault for a request of op.
func (fs *faults) onRequest(op string, workerPlane bool) (Fault, bool) {
	return fs.next(func(f Fault) bool {
		return !f.inQueue() && (f.Op == op || f.Op == "" && !workerPlane)
	})
}

// inQueue reports whether the fault happens to a job instead of a request.
func (f Fault) inQueue() bool {
	return f.Kind == FaultDuplicate || f.Kind == FaultMute || f.Kind == FaultLateProgress || f.Kind == FaultLostResult
}

// onJob reports whether a fault of the kind is due.
func (fs *faults) onJob(k FaultKind) bool {
	_, ok := fs.next(func(f Fault) bool { return f.Kind == k })
	return ok
}

// manageOps name requests of the management API.
var manageOps = []string{"manage-get", "manage-post", "manage-patch", "manage-delete"}

// serveFault answers a request as the fault says; serve carries out the request, and
// forget removes the job that it names.
func serveFault(f Fault, clock Clock, w http.ResponseWriter, r *http.Request, forget func(), serve func(http.ResponseWriter)) {
	switch f.Kind {
	case FaultStatus:
		if f.After {
			serve(&recorder{header: http.Header{}})
		}
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(f.RetryAfter))
		}
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(f.Status)
	case FaultCut:
		if f.After {
			serve(&recorder{header: http.Header{}})
		}
		panic(http.ErrAbortHandler) // the only way to cut a connection
	case FaultSlow:
		rec := &recorder{header: w.Header()}
		serve(rec)
		if pause(r.Context(), clock, time.Duration(f.DelayMS)*time.Millisecond) != nil {
			return
		}
		w.WriteHeader(rec.code)
		w.Write(rec.body)
	case FaultTruncate:
		rec := &recorder{header: w.Header()}
		serve(rec)
		w.WriteHeader(rec.code)
		w.Write(rec.body[:len(rec.body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case FaultGone:
		forget()
		serve(w)
	}
}

// A recorder keeps an answer instead of sending it.
type recorder struct {
	header http.Header
	code   int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body = append(r.body, b...)
	return len(b), nil
}
