package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/shape"
	"github.com/gopherpod/gopherpod/worker"
)

const testKey = "rpa_test"

// newServer returns a server without a listener, which also works in the bubbles of
// testing/synctest.
func newServer(t *testing.T, opt Options) *Server {
	t.Helper()
	if opt.Key == "" {
		opt.Key = testKey
	}
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// call sends one request and decodes the answer.
func call(t testing.TB, s http.Handler, method, path, body string) (int, map[string]any) {
	t.Helper()
	code, text := callRaw(t, s, method, path, body)
	return decoded(t, code, text)
}

func decoded(t testing.TB, code int, text string) (int, map[string]any) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%d %q: %v", code, text, err)
	}
	return code, m
}

func callRaw(t testing.TB, s http.Handler, method, path, body string) (int, string) {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequestWithContext(t.Context(), method, path, r)
	req.Header.Set("Authorization", "Bearer "+testKey)
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	checkManaged(t, req, rec)
	return rec.Code, rec.Body.String()
}

// checkManaged fails the test if an answer of the management API does not match RunPod's
// schema. It skips answers that a fault replaced.
func checkManaged(t testing.TB, req *http.Request, rec *httptest.ResponseRecorder) {
	t.Helper()
	if !shape.Managed(req.URL.Path) || rec.Code >= 500 && rec.Body.Len() == 0 {
		return
	}
	if err := shape.Load(t).Answer(req.Method, req.URL.Path, rec.Code, rec.Header(), rec.Body.Bytes()); err != nil {
		t.Error(err)
	}
}

// mustRun submits a job and returns its id.
func mustRun(t testing.TB, s http.Handler, body string) string {
	t.Helper()
	code, m := call(t, s, "POST", "/v2/local/run", body)
	if code != 200 || m["status"] != "IN_QUEUE" {
		t.Fatalf("run: %d %v", code, m)
	}
	return m["id"].(string)
}

func wantStatus(t testing.TB, s http.Handler, id string, want Status) map[string]any {
	t.Helper()
	code, m := call(t, s, "GET", "/v2/local/status/"+id, "")
	if code != 200 || m["status"] != string(want) {
		t.Fatalf("status: %d %v, want %s", code, m, want)
	}
	return m
}

// echo yields the numbers below input.yield. Then it returns input.value, fails
// with input.fail, or blocks until cancelled if input.block is set.
func echo(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	var in struct {
		Yield int
		Value json.RawMessage
		Fail  string
		Panic string
		Block bool
	}
	if err := json.Unmarshal(job.Input, &in); err != nil {
		return nil, err
	}
	for i := range in.Yield {
		if err := yield(json.RawMessage(fmt.Sprint(i))); err != nil {
			return nil, err
		}
	}
	switch {
	case in.Block:
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case in.Panic != "":
		panic(in.Panic)
	case in.Fail != "":
		return nil, worker.Invalid("input.fail", in.Fail)
	}
	return in.Value, nil
}

var _ worker.Handler = echo
