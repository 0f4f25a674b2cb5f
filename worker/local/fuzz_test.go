package local

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
)

// FuzzRequests: whatever a client or a worker sends to any path, the answer is JSON and
// not a 500, and the queue stays consistent.
func FuzzRequests(f *testing.F) {
	methods := []string{"GET", "POST", "PATCH", "DELETE", "PUT"}
	for _, s := range []struct{ method, path, body string }{
		{"POST", "/v2/local/run", `{"input":{"a":1},"policy":{"ttl":10000}}`},
		{"POST", "/v2/local/job-done/w1/x", `{"output":1,"status":"IN_PROGRESS"}`},
		{"POST", "/v2/local/job-stream/w1/x", `{"output":"chunk"}`},
		{"GET", "/v2/local/ping/w1?job_id=x,y&status=unhealthy", ""},
		{"POST", "/v2/serverless", `{"name":"a","image":"b","gpu":{"pools":["ADA_24"]},"workers":{"min":0,"max":1}}`},
		{"PATCH", "/v2/serverless/local", `{"timeout":-1}`},
		{"POST", "/v2/templates", `{"name":"a","image":"b","env":{"A":"b"}}`},
		{"POST", "/v2/network-volumes", `{"name":"a","size":1e9,"dataCenterId":"EU-RO-1"}`},
		{"GET", "/v2/billing/serverless?startTime=x&bucketSize=hour", ""},
		{"GET", "/v2/catalog/gpus?", ""},
		{"POST", "/twin/capacity", `{"available":false}`},
		{"POST", "/twin/faults", `{"kind":"mute","count":-1}`},
		{"POST", "/v2/local/purge-queue", ""},
		{"POST", "/v2/local/cancel/x", ""},
		{"DELETE", "/v2/serverless/local", ""},
		{"GET", "/v2/local/requests", ""},
	} {
		for n, m := range methods {
			if m == s.method {
				f.Add(uint8(n), s.path, []byte(s.body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, method uint8, path string, body []byte) {
		if strings.Contains(path, "logs") || strings.Contains(path, "job-take") || strings.Contains(path, "job-stop") ||
			strings.Contains(path, "stream") || strings.Contains(path, "sync") || strings.Contains(path, "clock") || strings.Contains(string(body), "slow") {
			return // these wait
		}
		s, err := New(Options{Key: testKey, Limits: map[string]Limit{}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sub, err := s.ep.q.submit(submission{input: json.RawMessage(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		s.ep.q.enlist("w1", true, "")
		s.ep.q.mu.Lock()
		s.ep.q.takeLocked("w1", 1)
		s.ep.q.mu.Unlock()
		path = strings.ReplaceAll(path, "/x", "/"+sub.id)
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		r, err := http.NewRequestWithContext(t.Context(), methods[int(method)%len(methods)], "http://127.0.0.1"+path, bytes.NewReader(body))
		if err != nil {
			return
		}
		r.RequestURI = r.URL.RequestURI()
		r.Header.Set("Authorization", "Bearer "+testKey)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if rec.Code >= 500 && !strings.Contains(path, "twin") {
			t.Fatalf("%s %q %q: %d %s", r.Method, path, body, rec.Code, rec.Body)
		}
		if b := rec.Body.Bytes(); len(b) > 0 && !json.Valid(b) && strings.Contains(rec.Header().Get("Content-Type"), "json") {
			t.Fatalf("%s %q %q: %d %q", r.Method, path, body, rec.Code, b)
		}
		s.ep.q.check(t)
	})
}

// FuzzReadTensor: readTensor refuses a file or returns its tensor with the right digest.
// Other processes write to the folder of arrays, so files may contain anything.
func FuzzReadTensor(f *testing.F) {
	x, err := tensors.From([]float32{1, 2})
	if err != nil {
		f.Fatal(err)
	}
	for _, set := range []tensors.Set{{"data": x}, {"other": x}, {"data": x, "b": x}} {
		b, err := tensors.EncodeSafetensors(set, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "x.safetensors")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		x, digest, err := readTensor(name)
		if err != nil {
			return
		}
		if want := x.Digest(); want != digest {
			t.Fatalf("the digest is %s, want %s", digest, want)
		}
	})
}
