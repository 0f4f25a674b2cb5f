package local

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// This file and manage_*.go are the part of RunPod's management API, version 2,
// that deploying and billing need. On the service it has a host of its own; here
// it lies beside the job API, which has no endpoints of these names.
var manageRoots = map[string]bool{"serverless": true, "templates": true, "network-volumes": true, "catalog": true, "billing": true}

// maxManage bounds a body of the management API.
const maxManage = 1 << 20

// A problem is an error of the management API.
type problem struct {
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Errors []problemField `json:"errors,omitempty"`
}

type problemField struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (p *problem) Error() string { return p.Detail }

func newProblem(code int, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(code), Status: code, Detail: fmt.Sprintf(format, args...)}
}

// invalidField returns the 422 for one field of the body.
func invalidField(name, format string, args ...any) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "validation failed")
	p.Errors = []problemField{{"body." + name, fmt.Sprintf(format, args...)}}
	return p
}

var errNotFound = newProblem(http.StatusNotFound, "not found")

// manage serves one request; parts are the path behind /v2.
func (s *Server) manage(w http.ResponseWriter, r *http.Request, parts []string) {
	w.Header().Set("X-Request-Id", rand.Text())
	done, ok := s.manageLimits.enter("manage")
	if !ok {
		w.Header().Set("Retry-After", "1")
		writeProblem(w, newProblem(http.StatusTooManyRequests, "too many requests"))
		return
	}
	defer done()
	if parts[0] == "serverless" && len(parts) == 5 && parts[2] == "workers" && parts[4] == "logs" && r.Method == http.MethodGet {
		s.serveLogs(w, r, parts[1], parts[3])
		return
	}
	if f, ok := s.faults.onRequest("manage-"+strings.ToLower(r.Method), true); ok {
		serveFault(f, s.opt.Clock, w, r, func() {}, func(w http.ResponseWriter) { s.carryOut(w, r, parts) })
		return
	}
	s.carryOut(w, r, parts)
}

// carryOut does what a request of the management API asks for.
func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, parts []string) {
	var body []byte
	var err error
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		body, err = readBody(w, r, maxManage)
		if errors.Is(err, errTooLarge) {
			err = newProblem(http.StatusRequestEntityTooLarge, "%v", err)
		}
	}
	code, answer := http.StatusOK, any(nil)
	if err == nil {
		code, answer, err = s.manageOp(r, parts, body)
	}
	switch {
	case err != nil:
		writeProblem(w, err)
	case code == http.StatusNoContent:
		w.WriteHeader(code)
	default:
		writeJSON(w, code, answer)
	}
}

// manageOp finds the resource.
func (s *Server) manageOp(r *http.Request, parts []string, body []byte) (int, any, error) {
	switch parts[0] {
	case "serverless":
		if len(parts) == 3 {
			return s.endpointPart(r, parts[1], parts[2])
		}
		return crud(r, parts, body, (*managedEndpoints)(s))
	case "templates":
		return crud(r, parts, body, s.account.templates)
	case "network-volumes":
		return crud(r, parts, body, s.account.volumes)
	case "catalog":
		return s.catalog(r, parts[1:])
	default:
		return s.billing(r, parts[1:])
	}
}

// A resource is what has the five operations.
type resource interface {
	list() any
	get(id string) (any, error)
	create(body []byte) (any, error)
	update(id string, body []byte) (any, error)
	remove(id string) error
}

func crud(r *http.Request, parts []string, body []byte, res resource) (code int, answer any, err error) {
	code = http.StatusOK
	switch {
	case len(parts) == 1 && r.Method == http.MethodGet:
		answer = res.list()
	case len(parts) == 1 && r.Method == http.MethodPost:
		code = http.StatusCreated
		answer, err = res.create(body)
	case len(parts) == 2 && r.Method == http.MethodGet:
		answer, err = res.get(parts[1])
	case len(parts) == 2 && r.Method == http.MethodPatch:
		answer, err = res.update(parts[1], body)
	case len(parts) == 2 && r.Method == http.MethodDelete:
		code = http.StatusNoContent
		err = res.remove(parts[1])
	case len(parts) <= 2:
		err = newProblem(http.StatusMethodNotAllowed, "method not allowed")
	default:
		err = errNotFound
	}
	return code, answer, err
}

// readStrict fills v from body; an unknown field is refused by name.
func readStrict(body []byte, v any) error {
	if err := checkValue(body); err != nil {
		return newProblem(http.StatusBadRequest, "%v", err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalidField(wrong.Field, "expected %s, got %s", wrong.Type, wrong.Value)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
			return invalidField(strings.Trim(name, `"`), "unexpected property")
		}
		return newProblem(http.StatusBadRequest, "%v", err)
	}
	return nil
}

func writeProblem(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		p = newProblem(http.StatusBadRequest, "%v", err)
	}
	b, _ := json.Marshal(p) // texts and numbers only
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	w.Write(b)
}
