// Package runpodtest stands in for RunPod in the tests of a client: a server with
// a script.
//
//	s := runpodtest.New(t,
//		runpodtest.Step{Method: "POST", Path: "/v2/ep/run", Reply: `{"id":"j-u1","status":"IN_QUEUE"}`},
//		runpodtest.Step{Method: "GET", Path: "/v2/ep/status/j-u1", Status: 502},
//	)
//	client, err := runpod.New(s.Config())
//
// The test fails if a request is not the next one in the script, if there are more or fewer
// requests than the script has, if a request lacks the key, or if RunPod's schema of the
// management API refuses it. No socket is opened: the server is the client's transport, so
// that it works inside testing/synctest.
package runpodtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/shape"
)

// Key is the API key that a Server wants and its Config has.
const Key = "rpa_runpodtest_key"

// Host is where a Server pretends to be.
const Host = "api.runpod.test"

// A Step is one expected request and its answer.
type Step struct {
	Method string
	Path   string // with its query: "/v2/ep/status/j?wait=1000"
	// Body, if not nil, is what the request's JSON must equal: a string or []byte of JSON,
	// or a value that is encoded. Check, if not nil, checks the request as well.
	Body  any
	Check func(t testing.TB, header http.Header, body []byte)

	// Delay passes before the answer, unless the request is cancelled first.
	Delay time.Duration
	// Err, if not nil, is returned instead of an answer; see Refused and Cut.
	Err error
	// Status is the HTTP status; 0 means 200. Reply is a string or []byte as it is,
	// or a value that is encoded; Header is added.
	Status int
	Header map[string]string
	Reply  any
}

// Refused is the error of a connection that was refused.
var Refused error = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// Cut is the error of a connection that ended before the answer.
var Cut error = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// A Server answers requests by its script.
type Server struct {
	t testing.TB

	mu    sync.Mutex
	steps []Step
	done  int
}

// New returns a server that fails the test unless all steps are taken, in their order.
func New(t testing.TB, steps ...Step) *Server {
	s := &Server{t: t, steps: steps}
	t.Cleanup(func() { s.finish() })
	return s
}

// Add appends steps.
func (s *Server) Add(steps ...Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, steps...)
}

// Config returns a Config whose requests go to the server.
func (s *Server) Config() runpod.Config {
	return runpod.Config{APIKey: Key, BaseURL: "https://" + Host + "/v2", ManagementURL: "https://" + Host + "/v2", Transport: s}
}

func (s *Server) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, step := range s.steps[s.done:] {
		s.t.Errorf("runpodtest: step %d was not taken: %s %s", s.done+i, step.Method, step.Path)
	}
}

// RoundTrip answers one request; it makes a Server an http.RoundTripper.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	step, err := s.next(r, body)
	if err != nil {
		s.t.Errorf("runpodtest: %v", err)
		return nil, err
	}
	if step.Delay > 0 {
		select {
		case <-time.After(step.Delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if step.Err != nil {
		return nil, step.Err
	}
	return s.answer(r, step)
}

// next takes the next step and compares the request with it.
func (s *Server) next(r *http.Request, body []byte) (Step, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := r.Method + " " + r.URL.RequestURI()
	if s.done == len(s.steps) {
		return Step{}, fmt.Errorf("unexpected request after the last step: %s", got)
	}
	step := s.steps[s.done]
	if want := step.Method + " " + step.Path; got != want {
		return Step{}, fmt.Errorf("step %d is %s, got %s", s.done, want, got)
	}
	s.done++
	if r.URL.Host != Host || r.Header.Get("Authorization") != "Bearer "+Key {
		return Step{}, fmt.Errorf("%s: host %s, or not the key", got, r.URL.Host)
	}
	if r.ContentLength > 0 && r.ContentLength != int64(len(body)) {
		return Step{}, fmt.Errorf("%s: %d bytes were announced, %d came", got, r.ContentLength, len(body))
	}
	if shape.Managed(r.URL.Path) {
		if err := shape.Load(s.t).Request(r.Method, r.URL.Path, r.URL.Query(), body); err != nil {
			return Step{}, fmt.Errorf("RunPod's schema refuses the request: %w", err)
		}
	}
	if step.Body != nil {
		if err := sameJSON(encode(step.Body), body); err != nil {
			return Step{}, fmt.Errorf("%s: %w", got, err)
		}
	}
	if step.Check != nil {
		step.Check(s.t, r.Header, body)
	}
	return step, nil
}

func (s *Server) answer(r *http.Request, step Step) (*http.Response, error) {
	status := step.Status
	if status == 0 {
		status = http.StatusOK
	}
	b := encode(step.Reply)
	header := http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(b))}}
	for k, v := range step.Header {
		header.Set(k, v)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)), Request: r}, nil
}

func encode(v any) []byte {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []byte(v)
	case []byte:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the script is wrong
	}
	return b
}

func sameJSON(want, got []byte) error {
	var a, b any
	if err := json.Unmarshal(want, &a); err != nil {
		return fmt.Errorf("the script's body: %w", err)
	}
	if err := json.Unmarshal(got, &b); err != nil {
		return fmt.Errorf("the request's body: %w: %.200s", err, got)
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Errorf("body %.500s, want %.500s", got, want)
	}
	return nil
}
