package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/worker/policy"
)

func TestRunToResult(t *testing.T) {
	s := newServer(t, Options{Handler: echo})
	id := mustRun(t, s, `{"input":{"yield":3,"value":{"big":9007199254740993}}}`)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-u1$`).MatchString(id) {
		t.Errorf("id %q", id)
	}
	_, text := callRaw(t, s, "GET", "/v2/local/status-sync/"+id, "")
	if !strings.Contains(text, `"output":{"big":9007199254740993}`) {
		t.Errorf("the output was not passed as it is: %s", text)
	}
	m := wantStatus(t, s, id, StatusCompleted)
	for _, k := range []string{"delayTime", "executionTime", "workerId"} {
		if _, ok := m[k]; !ok {
			t.Errorf("no %s in %v", k, m)
		}
	}
	if _, ok := m["retries"]; ok {
		t.Errorf("retries in %v", m)
	}
	if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+id, ""); text != `{"status":"COMPLETED","stream":[{"output":0},{"output":1},{"output":2}]}` {
		t.Errorf("stream %s", text)
	}
	if _, text := callRaw(t, s, "POST", "/v2/local/stream/"+id, ""); text != `{"status":"COMPLETED","stream":[]}` {
		t.Errorf("second stream %s: the drain must be destructive", text)
	}
}

func TestOutputs(t *testing.T) {
	s := newServer(t, Options{Handler: echo})
	for _, c := range []struct{ input, want string }{
		{`{"yield":2}`, `"output":[0,1]`},
		{`{"yield":2,"value":7}`, `"output":7`},
		{`{"value":null,"x":1}`, `"output":null`},
		{`{"x":1}`, `"output":null`},
	} {
		_, text := callRaw(t, s, "POST", "/v2/local/runsync", `{"input":`+c.input+`}`)
		if !strings.Contains(text, c.want) || !strings.Contains(text, `"id":"sync-`) || !strings.Contains(text, `"COMPLETED"`) {
			t.Errorf("%s: %s", c.input, text)
		}
	}
}

func TestFailures(t *testing.T) {
	s := newServer(t, Options{Handler: echo})
	for _, c := range []struct{ input, kind, message, field string }{
		{`{"fail":"no rows"}`, "InvalidRequest", "no rows", "input.fail"},
		{`{"panic":"ouch"}`, "InternalError", "the handler panicked: ouch", ""},
	} {
		_, m := call(t, s, "POST", "/v2/local/runsync", `{"input":`+c.input+`}`)
		if m["status"] != "FAILED" {
			t.Fatalf("%v", m)
		}
		var e map[string]string
		if err := json.Unmarshal([]byte(m["error"].(string)), &e); err != nil {
			t.Fatal(err)
		}
		if e["error_type"] != c.kind || e["error_message"] != c.message || e["field"] != c.field || e["worker_id"] == "" {
			t.Errorf("%v", e)
		}
		if c.kind == "InternalError" && !strings.Contains(e["error_traceback"], "echo") {
			t.Errorf("no traceback in %v", e)
		}
	}
}

func TestRefusedSubmissions(t *testing.T) {
	s := newServer(t, Options{MaxRun: 200})
	for _, c := range []struct {
		body, want string
		code       int
	}{
		{`{"input":[1]}`, "object", 400},
		{`{"input":"x"}`, "object", 400},
		{`{"input":null}`, "object", 400},
		{`{}`, "missing", 400},
		{`[]`, "expected an object", 400},
		{``, "expected an object", 400},
		{`{"input":{}`, "the text ends", 400},
		{`{"input":{}} x`, "text after", 400},
		{`{"input":{"a":NaN}}`, "unexpected", 400},
		{"{\"input\":{\"a\":\"\xff\"}}", "UTF-8", 400},
		{`{"input":{"a":1},"webhook":7}`, "webhook", 400},
		{`{"input":{"a":1},"webhook":"file:///etc/passwd"}`, "webhook", 400},
		{`{"input":{"a":1},"policy":7}`, "policy", 400},
		{`{"input":{"a":1},"policy":{"executionTimeout":4999}}`, "5000", 400},
		{`{"input":{"a":1},"policy":{"ttl":9999}}`, "10000", 400},
		{`{"input":{"a":1},"policy":{"ttl":1e300}}`, "604800000", 400},
		{`{"input":{"a":"` + strings.Repeat("x", 200) + `"}}`, "200 bytes", 413},
	} {
		code, m := call(t, s, "POST", "/v2/local/run", c.body)
		if code != c.code || !strings.Contains(fmt.Sprint(m["error"]), c.want) {
			t.Errorf("%s: %d %v", c.body, code, m)
		}
	}
	if h := s.Health(); h.Jobs.InQueue != 0 {
		t.Errorf("a refused job is in the queue: %+v", h)
	}
	mustRun(t, s, `{"input":{"a":1},"unknown":[1],"policy":{"ttl":10000,"executionTimeout":5000,"lowPriority":true},"s3Config":{"bucketName":"b"}}`)
}

func FuzzBodies(f *testing.F) {
	for _, s := range []string{`{"input":{"a":1},"webhook":"http://x/","policy":{"ttl":10000,"lowPriority":true},"s3Config":{}}`,
		`{"output":[1],"error":{"a":1},"status":"IN_PROGRESS","stopPod":true}`, `{"output":NaN}`, `{"input":{},"policy":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if sub, err := parseSubmission(b); err == nil {
			if !json.Valid(sub.input) || sub.ttl < 0 || sub.ttl > policy.Max || sub.executionTimeout < 0 || sub.executionTimeout > policy.Max {
				t.Fatalf("%q: %+v", b, sub)
			}
			d := delivery{id: "x", sub: &sub, input: sub.input, noInput: emptyObject(sub.input)}
			if out := bytes.Join(d.pieces(), nil); !json.Valid(out) {
				t.Fatalf("%q is delivered as %q", b, out)
			}
			v := view{id: "x", status: StatusCompleted, sub: &sub, input: sub.input, delay: 1, exec: 1}
			if out := bytes.Join(v.webhookPieces(), nil); !json.Valid(out) {
				t.Fatalf("%q goes to its webhook as %q", b, out)
			}
		}
		if rep, err := parseReport(nullNaN(b)); err == nil {
			v := view{id: "x", status: StatusFailed, output: rep.output, failure: rep.failure}
			if out := bytes.Join(v.pieces(), nil); !json.Valid(out) {
				t.Fatalf("%q is answered as %q", b, out)
			}
		}
	})
}

func TestRefusedRequests(t *testing.T) {
	s := newServer(t, Options{})
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/v2/local/run", 405},
		{"POST", "/v2/local/health", 405},
		{"DELETE", "/v2/local/status/x", 405},
		{"GET", "/v2/local/status/unknown", 404},
		{"GET", "/v2/local/status-sync/unknown", 404},
		{"GET", "/v2/local/stream/unknown", 404},
		{"POST", "/v2/local/cancel/unknown", 404},
		{"POST", "/v2/local/retry/unknown", 404},
		{"GET", "/v2/other/health", 404},
		{"GET", "/v2/local/", 404},
		{"GET", "/v2/local", 404},
		{"GET", "/v2/local/nothing", 404},
		{"GET", "/v2/local/status", 404},
		{"GET", "/", 404},
		{"GET", "/v2/local/status-sync/x?wait=soon", 400},
	} {
		code, m := call(t, s, c.method, c.path, "")
		if code != c.code || m["error"] == "" {
			t.Errorf("%s %s: %d %v", c.method, c.path, code, m)
		}
	}
}

func TestGuard(t *testing.T) {
	s := newServer(t, Options{})
	s.guard.loopback = true
	for _, c := range []struct {
		name string
		head map[string]string
		host string
		want int
	}{
		{"bearer", map[string]string{"Authorization": "Bearer " + testKey}, "127.0.0.1:1", 200},
		{"raw key", map[string]string{"Authorization": testKey}, "localhost:1", 200},
		{"ipv6", map[string]string{"Authorization": testKey}, "[::1]:1", 200},
		{"none", nil, "127.0.0.1:1", 401},
		{"wrong", map[string]string{"Authorization": "Bearer rpa_wrong"}, "127.0.0.1:1", 401},
		{"empty bearer", map[string]string{"Authorization": "Bearer "}, "127.0.0.1:1", 401},
		{"prefix", map[string]string{"Authorization": "Bearer " + testKey[:5]}, "127.0.0.1:1", 401},
		{"cross-site", map[string]string{"Authorization": testKey, "Sec-Fetch-Site": "cross-site"}, "127.0.0.1:1", 403},
		{"origin", map[string]string{"Authorization": testKey, "Origin": "https://example.com"}, "127.0.0.1:1", 403},
		{"null origin", map[string]string{"Authorization": testKey, "Origin": "null"}, "127.0.0.1:1", 403},
		{"own origin", map[string]string{"Authorization": testKey, "Origin": "http://127.0.0.1:1"}, "127.0.0.1:1", 200},
		{"rebinding", map[string]string{"Authorization": testKey}, "evil.example:1", 403},
	} {
		r := httptest.NewRequest("GET", "/v2/local/health", nil)
		r.Host = c.host
		for k, v := range c.head {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.want)
		}
		if strings.Contains(w.Body.String(), testKey) {
			t.Errorf("%s: the key is in the answer", c.name)
		}
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo})
		defer s.Close()
		running := mustRun(t, s, `{"input":{"block":true,"yield":1}}`)
		queued := mustRun(t, s, `{"input":{"value":1}}`)
		synctest.Wait()
		wantStatus(t, s, running, StatusInProgress)
		if code, m := call(t, s, "POST", "/v2/local/cancel/"+queued, "{}"); code != 200 || m["status"] != "CANCELLED" || m["id"] != queued {
			t.Errorf("queued: %d %v", code, m)
		}
		if code, m := call(t, s, "POST", "/v2/local/cancel/"+running, ""); code != 200 || m["status"] != "CANCELLED" {
			t.Errorf("running: %d %v", code, m)
		}
		synctest.Wait()
		wantStatus(t, s, running, StatusCancelled)
		after := mustRun(t, s, `{"input":{"value":1}}`)
		synctest.Wait()
		wantStatus(t, s, after, StatusCompleted)
		if _, m := call(t, s, "POST", "/v2/local/cancel/"+after, ""); m["status"] != "COMPLETED" {
			t.Errorf("ended: %v", m)
		}
	})
}

func TestPurgeAndRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo})
		defer s.Close()
		running := mustRun(t, s, `{"input":{"block":true}}`)
		synctest.Wait()
		var queued []string
		for range 3 {
			queued = append(queued, mustRun(t, s, `{"input":{"value":1}}`))
		}
		if _, m := call(t, s, "POST", "/v2/local/purge-queue", ""); m["removed"] != 3.0 || m["status"] != "completed" {
			t.Errorf("purge: %v", m)
		}
		if code, _ := call(t, s, "GET", "/v2/local/status/"+queued[0], ""); code != 404 {
			t.Errorf("a purged job: %d", code)
		}
		wantStatus(t, s, running, StatusInProgress)
		if code, _ := call(t, s, "POST", "/v2/local/retry/"+running, ""); code != 400 {
			t.Errorf("retry of a running job: %d", code)
		}
		call(t, s, "POST", "/v2/local/cancel/"+running, "")

		failed := mustRun(t, s, `{"input":{"yield":2,"fail":"x"}}`)
		synctest.Wait()
		wantStatus(t, s, failed, StatusFailed)
		code, m := call(t, s, "POST", "/v2/local/retry/"+failed, "")
		if code != 200 || m["id"] != failed || m["status"] != "IN_QUEUE" {
			t.Errorf("retry: %d %v", code, m)
		}
		synctest.Wait()
		wantStatus(t, s, failed, StatusFailed)
		if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+failed, ""); strings.Count(text, "output") != 2 {
			t.Errorf("after a retry only the new attempt's chunks are left: %s", text)
		}
		if h := s.Health(); h.Jobs.Failed != 2 || h.Jobs.Retried != 1 || h.Workers.Idle != 1 {
			t.Errorf("%+v", h)
		}
	})
}

func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo})
		defer s.Close()
		gone := func(id string) {
			t.Helper()
			if code, m := call(t, s, "GET", "/v2/local/status/"+id, ""); code != 404 {
				t.Errorf("%d %v, want 404", code, m)
			}
		}
		async := mustRun(t, s, `{"input":{"value":1}}`)
		_, m := call(t, s, "POST", "/v2/local/runsync", `{"input":{"value":1}}`)
		sync := m["id"].(string)
		time.Sleep(59 * time.Second)
		wantStatus(t, s, sync, StatusCompleted)
		time.Sleep(2 * time.Second)
		gone(sync)
		wantStatus(t, s, async, StatusCompleted)
		time.Sleep(29 * time.Minute)
		gone(async)

		late := mustRun(t, s, `{"input":{"block":true},"policy":{"executionTimeout":5000}}`)
		queued := mustRun(t, s, `{"input":{"value":1}}`)
		time.Sleep(5001 * time.Millisecond)
		if m := wantStatus(t, s, late, StatusTimedOut); m["executionTime"] != 5000.0 || m["error"] != "executionTimeout exceeded" {
			t.Errorf("%v", m)
		}
		if m := wantStatus(t, s, queued, StatusCompleted); m["delayTime"] != 5000.0 {
			t.Errorf("%v", m)
		}
		dead := mustRun(t, s, `{"input":{"block":true},"policy":{"ttl":10000}}`)
		next := mustRun(t, s, `{"input":{"value":1}}`)
		time.Sleep(10001 * time.Millisecond)
		gone(dead)
		wantStatus(t, s, next, StatusCompleted)
	})
}

func TestEmptyInput(t *testing.T) {
	s := newServer(t, Options{Handler: echo})
	_, m := call(t, s, "POST", "/v2/local/runsync", `{"input":{ }}`)
	if m["status"] != "FAILED" || m["error"] != "job timed out after 1 retries" || m["retries"] != 1.0 {
		t.Errorf("%v", m)
	}
}

func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		defer s.Close()
		for _, c := range []struct {
			method, path string
			want         time.Duration
		}{
			{"POST", "/v2/local/runsync", 90 * time.Second},
			{"POST", "/v2/local/runsync?wait=5000", 5 * time.Second},
			{"POST", "/v2/local/runsync?wait=1", time.Second},
			{"POST", "/v2/local/runsync?wait=999999999", 300 * time.Second},
		} {
			begin := time.Now()
			_, m := call(t, s, c.method, c.path, `{"input":{"a":1}}`)
			if m["status"] != "IN_QUEUE" || time.Since(begin) != c.want {
				t.Errorf("%s: %v after %v", c.path, m, time.Since(begin))
			}
		}
		id := mustRun(t, s, `{"input":{"a":1}}`)
		begin := time.Now()
		if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+id, ""); text != `{"status":"IN_QUEUE","stream":[]}` || time.Since(begin) != streamWait {
			t.Errorf("stream: %s after %v", text, time.Since(begin))
		}
		begin = time.Now()
		if _, m := call(t, s, "GET", "/v2/local/status-sync/"+id+"?wait=2000", ""); m["status"] != "IN_QUEUE" || time.Since(begin) != 2*time.Second {
			t.Errorf("status-sync: %v", m)
		}
	})
}

// If results hold too much memory, the oldest are dropped early. Waiting jobs
// are never dropped; new jobs are refused instead.
func TestMemory(t *testing.T) {
	s := newServer(t, Options{MaxBytes: 100_000})
	text := `{"input":{"a":"` + strings.Repeat("x", 20_000) + `"}}`
	end := func(result string) string {
		id := mustRun(t, s, text)
		take(t, s, "w1")
		post(t, s, "job-done", "w1", id, `{"output":"`+result+`"}`, 200)
		s.ep.q.check(t)
		return id
	}
	var ids []string
	for range 5 {
		ids = append(ids, end(strings.Repeat("y", 30_000)))
	}
	for i, id := range ids {
		if code, _ := call(t, s, "GET", "/v2/local/status/"+id, ""); (code == 200) != (i >= 2) {
			t.Errorf("result %d: %d", i, code)
		}
	}
	for range 3 {
		mustRun(t, s, text)
	}
	if code, m := call(t, s, "POST", "/v2/local/run", text); code != 429 {
		t.Errorf("%d %v", code, m)
	}
	if h := s.Health(); h.Jobs.InQueue != 3 {
		t.Errorf("%+v", h)
	}
	call(t, s, "POST", "/v2/local/purge-queue", "")
	s.ep.q.check(t)
	mustRun(t, s, text)
}

func TestQueueFull(t *testing.T) {
	s := newServer(t, Options{MaxQueued: 2})
	mustRun(t, s, `{"input":{"a":1}}`)
	mustRun(t, s, `{"input":{"a":1}}`)
	if code, m := call(t, s, "POST", "/v2/local/run", `{"input":{"a":1}}`); code != 429 {
		t.Errorf("%d %v", code, m)
	}
	_, m := call(t, s, "GET", "/v2/local/requests", "")
	if len(m["requests"].([]any)) != 2 {
		t.Errorf("%v", m)
	}
}

// TestStatusTTL: ?ttl on /status and /status-sync lets the service forget the job sooner.
func TestStatusTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo})
		for _, path := range []string{"/v2/local/status/", "/v2/local/status-sync/"} {
			id := mustRun(t, s, `{"input":{"value":1}}`)
			synctest.Wait()
			if code, text := callRaw(t, s, "GET", path+id+"?ttl=6000", ""); code != 200 || !strings.Contains(text, `"output":1`) {
				t.Fatalf("%s: %d %s", path, code, text)
			}
			time.Sleep(5 * time.Second)
			wantStatus(t, s, id, StatusCompleted)
			time.Sleep(time.Second)
			synctest.Wait()
			if code, text := callRaw(t, s, "GET", "/v2/local/status/"+id, ""); code != 404 {
				t.Errorf("%s: after its ttl %d %s", path, code, text)
			}
			for _, wrong := range []string{"0", "-1", "x", "1.5", "99999999999999999999"} {
				if code, text := callRaw(t, s, "GET", path+id+"?ttl="+wrong, ""); code != 400 || !strings.Contains(text, "want a number of milliseconds above 0") {
					t.Errorf("ttl=%s: %d %s", wrong, code, text)
				}
			}
		}
	})
}
