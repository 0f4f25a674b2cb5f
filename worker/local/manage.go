package local

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// This file and manage_*.go implement the part of RunPod's management API,
// version 2, that concerns Serverless. RunPod serves it from a host of
// its own; here it shares the paths of the job API, which has no endpoints with
// these names. A false root is one that the service has and this endpoint does not.
var manageRoots = map[string]bool{"serverless": true, "templates": true, "network-volumes": true, "registries": true, "catalog": true, "billing": true,
	"pods": false, "clusters": false, "global-volumes": false, "account": false}

// isManageRoot reports whether a path of the management API begins with name.
func isManageRoot(name string) bool {
	_, ok := manageRoots[name]
	return ok
}

// maxManage bounds a request body of the management API, in bytes.
const maxManage = 1 << 20

// manageLimit is what the headers RateLimit and RateLimit-Policy report. It is not enforced,
// because tests make more requests in a minute; a limit for "manage" in Options.Limits is.
//
// Source: RunPod's OpenAPI document, example of RateLimit-Policy.
var manageLimit = Limit{Requests: 60, Window: time.Minute}

// A problem is an error of the management API.
type problem struct {
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail"`
	Errors []string `json:"errors,omitempty"` // "body.name: is required"
}

func (p *problem) Error() string { return p.Detail }

func newProblem(code int, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(code), Status: code, Detail: fmt.Sprintf(format, args...)}
}

// invalidField returns the 422 for one field of the body.
func invalidField(name, format string, args ...any) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "Request validation failed.")
	p.Errors = []string{"body." + name + ": " + fmt.Sprintf(format, args...)}
	return p
}

// notHere returns the error for a part of the API that the service has and this endpoint lacks.
func notHere(what string) *problem {
	return newProblem(http.StatusNotImplemented, "the local endpoint has no %s; RunPod's service has them", what)
}

var errNotFound = newProblem(http.StatusNotFound, "not found")

// manage serves one request; parts are the elements of the path after /v2.
func (s *Server) manage(w http.ResponseWriter, r *http.Request, parts []string) {
	w.Header().Set("X-Request-Id", rand.Text())
	done, ok := s.manageLimits.enter("manage")
	left, next := s.manageLimits.left("manage", manageLimit)
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"minute";q=%d;w=%.0f`, manageLimit.Requests, manageLimit.Window.Seconds()))
	w.Header().Set("RateLimit", fmt.Sprintf(`"minute";r=%d;t=%.0f`, left, next.Seconds()))
	if !ok {
		w.Header().Set("Retry-After", fmt.Sprintf("%.0f", max(next.Seconds(), 1)))
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

// carryOut executes a request of the management API and writes the answer.
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

// manageOp passes the request to its resource.
func (s *Server) manageOp(r *http.Request, parts []string, body []byte) (int, any, error) {
	if !manageRoots[parts[0]] {
		return 0, nil, notHere(parts[0])
	}
	switch parts[0] {
	case "serverless":
		if len(parts) == 3 {
			return s.endpointPart(r, parts[1], parts[2])
		}
		return s.crud(r, parts, body, (*managedEndpoints)(s))
	case "templates":
		return s.crud(r, parts, body, s.account.templates)
	case "network-volumes":
		return s.crud(r, parts, body, s.account.volumes)
	case "registries":
		return s.registries(r, parts, body)
	case "catalog":
		return s.catalog(r, parts[1:])
	default:
		return s.billing(r, parts[1:])
	}
}

// A resource is a collection with the five operations.
type resource interface {
	name() string // the key of the list in answers
	ids() []string
	get(id string) (any, error)
	create(body []byte) (any, error)
	update(id string, body []byte) (any, error)
	remove(id string) error
}

func (s *Server) crud(r *http.Request, parts []string, body []byte, res resource) (code int, answer any, err error) {
	code = http.StatusOK
	switch {
	case len(parts) == 1 && r.Method == http.MethodGet:
		answer, err = page(res, r.URL.Query().Get("cursor"), s.opt.PageSize)
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

// page returns the page of a resource that follows the cursor. A cursor is the encoded
// last id of the page before.
//
// Source: RunPod's SDK 2.0.0rc2, api/rest.py.
func page(res resource, cursor string, size int) (any, error) {
	ids := res.ids()
	if cursor != "" {
		last, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			return nil, newProblem(http.StatusBadRequest, "unknown cursor %.100q", cursor)
		}
		at, found := slices.BinarySearch(ids, string(last))
		if found {
			at++
		}
		ids = ids[at:]
	}
	more := struct {
		HasNextPage bool    `json:"hasNextPage"`
		NextCursor  *string `json:"nextCursor"`
	}{}
	if len(ids) > size {
		ids = ids[:size]
		more.HasNextPage, more.NextCursor = true, new(base64.RawURLEncoding.EncodeToString([]byte(ids[size-1])))
	}
	all := make([]any, 0, len(ids))
	for _, id := range ids {
		if v, err := res.get(id); err == nil { // it may have been removed meanwhile
			all = append(all, v)
		}
	}
	return map[string]any{res.name(): all, "pagination": more}, nil
}

// notEmpty, as the first of the fixed properties, makes readUpdate refuse a PATCH without properties.
const notEmpty = ""

// readUpdate is readStrict for a PATCH: v holds the current values, and fixed names
// the properties that cannot change.
func readUpdate(body []byte, v any, fixed ...string) error {
	var given map[string]json.RawMessage
	if err := readStrict(body, &given); err != nil {
		return err
	}
	if len(given) == 0 && len(fixed) > 0 && fixed[0] == notEmpty {
		return newProblem(http.StatusUnprocessableEntity, "want one property or more")
	}
	for _, name := range fixed {
		if _, ok := given[name]; ok {
			return invalidField(name, "unexpected property")
		}
	}
	return readStrict(body, v)
}

// readStrict fills v from body; the error for an unknown field names it.
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
