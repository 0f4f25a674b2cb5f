package local

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// take asks for a job as worker id; nil is 204.
func take(t *testing.T, s *Server, id string) map[string]any {
	t.Helper()
	code, text := callRaw(t, s, "GET", "/v2/local/job-take/"+id+"?gpu=x&job_in_progress=0", "")
	if code == 204 {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil || code != 200 {
		t.Fatalf("%d %q %v", code, text, err)
	}
	return m
}

func post(t *testing.T, s *Server, op, workerID, job, body string, want int) {
	t.Helper()
	if code, text := callRaw(t, s, "POST", "/v2/local/"+op+"/"+workerID+"/"+job+"?gpu=x&isStream=false", body); code != want {
		t.Fatalf("%s: %d %s, want %d", op, code, text, want)
	}
}

func TestWorkerPlane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		defer s.Close()
		begin := time.Now()
		if m := take(t, s, "w1"); m != nil || time.Since(begin) != takeWait {
			t.Fatalf("%v after %v", m, time.Since(begin))
		}
		if h := s.Health(); h.Workers.Idle != 1 || h.Workers.Ready != 1 {
			t.Errorf("%+v", h)
		}
		code, m := call(t, s, "POST", "/v2/local/run", `{"input":{"n":9007199254740993},"webhook":"http://127.0.0.1:1/x","s3Config":{"bucketName":"b"}}`)
		if code != 200 {
			t.Fatal(m)
		}
		id := m["id"].(string)
		_, text := callRaw(t, s, "GET", "/v2/local/job-take/w1?gpu=x", "")
		want := `{"delayTime":0,"error":"","executionTime":0,"id":"` + id + `","retries":0,"status":0,"webhook":"http://127.0.0.1:1/x","s3Config":{"bucketName":"b"},"input":{"n":9007199254740993}}`
		if text != want {
			t.Errorf("took %s\nwant %s", text, want)
		}
		post(t, s, "job-done", "w1", id, `{"status":"IN_PROGRESS","output":{"step":1}}`, 200)
		m = wantStatus(t, s, id, StatusInProgress)
		if m["output"].(map[string]any)["step"] != 1.0 || m["workerId"] != "w1" {
			t.Error(m)
		}
		post(t, s, "job-stream", "w1", id, `{"output":1}`, 200)
		post(t, s, "job-stream", "w2", id, `{"output":"not its job"}`, 200)
		post(t, s, "job-done", "w2", id, `{"output":"not its job"}`, 200)
		post(t, s, "job-done", "w1", id, `{"output":{"done":true}}`, 200)
		post(t, s, "job-done", "w1", id, `{"status":"IN_PROGRESS","output":"late"}`, 200)
		post(t, s, "job-done", "w1", id, `{"output":"again"}`, 200)
		m = wantStatus(t, s, id, StatusCompleted)
		if m["output"].(map[string]any)["done"] != true {
			t.Error(m)
		}
		if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+id, ""); text != `{"status":"COMPLETED","stream":[{"output":1}]}` {
			t.Error(text)
		}
		post(t, s, "job-done", "w1", "unknown", `{"output":1}`, 404)
		post(t, s, "job-stream", "w1", "unknown", `{"output":1}`, 404)
		if code, _ := callRaw(t, s, "GET", "/v2/local/job-take/w%2F1?gpu=x", ""); code != 404 {
			t.Errorf("a worker called w/1: %d", code)
		}
	})
}

func TestReports(t *testing.T) {
	for _, c := range []struct{ body, output, failure string }{
		{`{"output":1}`, `1`, ""},
		{`{"output":null}`, `null`, ""},
		{`{}`, ``, ""},
		{`{"error":null,"output":2}`, `2`, ""},
		{`{"error":"","output":2}`, `2`, ""},
		{`{"error":"x","output":{"rest":1}}`, `{"rest":1}`, "x"},
		{`{"error":{"code":7}}`, ``, `{"code":7}`},
		{`{"output":1,"unknown":[1]}`, `1`, ""},
	} {
		rep, err := parseReport([]byte(c.body))
		if err != nil || string(rep.output) != c.output || rep.failure != c.failure || rep.progress || rep.stopPod {
			t.Errorf("%s: %+v %v", c.body, rep, err)
		}
	}
	for _, bad := range []string{``, `1`, `[]`, `{"output":}`, `{"output":Infinity}`} {
		if _, err := parseReport([]byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestNullNaN(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":NaN,"b":[Infinity,-Infinity,"NaN \"Infinity"]}`: `{"a":null,"b":[null,null,"NaN \"Infinity"]}`,
		`{"a":1}`: `{"a":1}`,
		`{"a":"`:  `{"a":"`,
	} {
		if got := string(nullNaN([]byte(in))); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	s := newServer(t, Options{Unknown: Unknown{NaN: true}})
	id := mustRun(t, s, `{"input":{"a":1}}`)
	take(t, s, "w1")
	post(t, s, "job-done", "w1", id, `{"output":[NaN]}`, 200)
	if m := wantStatus(t, s, id, StatusCompleted); m["output"].([]any)[0] != nil {
		t.Error(m)
	}
}

func TestSplitChunk(t *testing.T) {
	text := strings.Repeat("aé\x01漢", 100)
	raw := appendString(nil, text)
	got, err := splitChunk(raw, 60)
	if err != nil || len(got) < 2 {
		t.Fatal(len(got), err)
	}
	var all string
	for _, c := range got {
		var s string
		if err := json.Unmarshal(c, &s); err != nil || len(c) > 60 {
			t.Fatalf("%s: %d bytes, %v", c, len(c), err)
		}
		all += s
	}
	if all != text {
		t.Error("the text changed")
	}
	if _, err := splitChunk(json.RawMessage(`[1,2,3,4,5]`), 5); err == nil {
		t.Error("a list was split")
	}
}

func TestTakeBatch(t *testing.T) {
	s := newServer(t, Options{})
	first, second := mustRun(t, s, `{"input":{"a":1}}`), mustRun(t, s, `{"input":{"a":2}}`)
	_, text := callRaw(t, s, "GET", "/v2/local/job-take-batch/w1?gpu=x&batch_size=5&job_in_progress=0", "")
	var jobs []struct{ ID string }
	if err := json.Unmarshal([]byte(text), &jobs); err != nil || len(jobs) != 2 || jobs[0].ID != first || jobs[1].ID != second {
		t.Errorf("%s: %v", text, err)
	}
	if code, _ := call(t, s, "GET", "/v2/local/job-take-batch/w1?gpu=x&batch_size=many", ""); code != 400 {
		t.Error(code)
	}
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		defer s.Close()
		ping := func(worker, jobs string) { callRaw(t, s, "GET", "/v2/local/ping/"+worker+"?job_id="+jobs, "") }
		id := mustRun(t, s, `{"input":{"a":1}}`)
		take(t, s, "w1")
		for range 20 {
			time.Sleep(10 * time.Second)
			ping("w1", id)
		}
		wantStatus(t, s, id, StatusInProgress)
		post(t, s, "job-stream", "w1", id, `{"output":1}`, 200)
		time.Sleep(41 * time.Second)
		wantStatus(t, s, id, StatusInQueue)
		if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+id, ""); strings.Contains(text, "output") {
			t.Errorf("chunks of the lost attempt: %s", text)
		}
		if m := take(t, s, "w2"); m["id"] != id || m["retries"] != 1.0 {
			t.Fatal(m)
		}
		post(t, s, "job-done", "w1", id, `{"output":"too late"}`, 200)
		m := wantStatus(t, s, id, StatusInProgress)
		if m["retries"] != 1.0 || m["workerId"] != "w2" || m["delayTime"].(float64) < 241000 {
			t.Error(m)
		}
		for range 10 {
			time.Sleep(10 * time.Second)
			ping("w2", "") // alive, but it dropped the job
		}
		m = wantStatus(t, s, id, StatusFailed)
		if m["error"] != "job timed out after 1 retries" {
			t.Error(m)
		}
		time.Sleep(41 * time.Second)
		if h := s.Health(); h.Workers != (WorkerCounts{}) || h.Jobs.Failed != 1 || h.Jobs.Retried != 1 {
			t.Errorf("%+v", h)
		}
	})
}

func TestLostWorkerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"a":1}}`)
		take(t, s, "w1")
		time.Sleep(41 * time.Second)
		wantStatus(t, s, id, StatusInQueue)
		post(t, s, "job-done", "w1", id, `{"output":"after a nap"}`, 200)
		if m := wantStatus(t, s, id, StatusCompleted); m["output"] != "after a nap" {
			t.Error(m)
		}
		if m := take(t, s, "w2"); m != nil {
			t.Errorf("a finished job was delivered: %v", m)
		}
	})
}

func TestStopChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		defer s.Close()
		stop := func() string {
			_, text := callRaw(t, s, "GET", "/v2/local/job-stop/w1?gpu=x", "")
			return text
		}
		if got := stop(); got != "" {
			t.Error(got)
		}
		var ids []string
		for range 3 {
			ids = append(ids, mustRun(t, s, `{"input":{"a":1},"policy":{"executionTimeout":20000}}`))
			take(t, s, "w1")
		}
		done := make(chan string, 1)
		go func() { done <- stop() }()
		synctest.Wait()
		call(t, s, "POST", "/v2/local/cancel/"+ids[0], "")
		if got := <-done; got != `{"jobsToStop":["`+ids[0]+`"]}` {
			t.Error(got)
		}
		post(t, s, "job-done", "w1", ids[0], `{"output":1}`, 200)
		wantStatus(t, s, ids[0], StatusCancelled)
		time.Sleep(21 * time.Second)
		wantStatus(t, s, ids[1], StatusTimedOut)
		if got := stop(); !strings.Contains(got, ids[1]) || !strings.Contains(got, ids[2]) {
			t.Error(got)
		}
	})
}

func TestStopPodEndsPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"a":1}}`)
		take(t, s, "w1")
		begin := time.Now()
		polled := make(chan map[string]any, 1)
		go func() { polled <- take(t, s, "w1") }()
		synctest.Wait()
		post(t, s, "job-done", "w1", id, `{"output":1,"stopPod":true}`, 200)
		if m := <-polled; m != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %v", m, time.Since(begin))
		}
		wantStatus(t, s, id, StatusCompleted)
	})
}

func TestLateProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Unknown: Unknown{LateProgress: true}})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"a":1}}`)
		take(t, s, "w1")
		post(t, s, "job-done", "w1", id, `{"output":1}`, 200)
		post(t, s, "job-done", "w1", id, `{"status":"IN_PROGRESS","output":"2/2"}`, 200)
		if m := wantStatus(t, s, id, StatusInProgress); m["output"] != "2/2" {
			t.Error(m)
		}
		s.ep.q.mu.Lock()
		defer s.ep.q.mu.Unlock()
		if j := s.ep.q.jobs[id]; j.counted != j.bytes() {
			t.Errorf("%d bytes are counted as %d", j.bytes(), j.counted)
		}
	})
}

// A worker whose connection breaks while it waits does not take a job.
func TestBrokenTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		defer s.Close()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			r := httptest.NewRequestWithContext(ctx, "GET", "/v2/local/job-take/w1?gpu=x", nil)
			r.Header.Set("Authorization", testKey)
			s.ServeHTTP(httptest.NewRecorder(), r)
			close(done)
		}()
		synctest.Wait()
		cancel()
		<-done
		id := mustRun(t, s, `{"input":{"a":1}}`)
		if m := take(t, s, "w2"); m["id"] != id || m["retries"] != 0.0 {
			t.Error(m)
		}
	})
}

func TestWorkerToken(t *testing.T) {
	s := newServer(t, Options{})
	get := func(path, auth string) int {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", auth)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	if c := get("/v2/local/ping/w1?token="+s.token(), "rpa_from_a_config_file"); c != 200 {
		t.Errorf("the token on the worker plane: %d", c)
	}
	if c := get("/v2/local/ping/w1?gpu=x", s.token()); c != 200 {
		t.Errorf("the token in the header: %d", c)
	}
	if c := get("/v2/local/health?token="+s.token(), ""); c != http.StatusUnauthorized {
		t.Errorf("the token on the client plane: %d", c)
	}
	if c := get("/v2/local/ping/w1?token=", ""); c != http.StatusUnauthorized {
		t.Errorf("no token: %d", c)
	}
}
