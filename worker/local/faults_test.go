package local

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Every fault of a request, once, on every operation of the client plane. The
// next request succeeds, and an accepted job exists.
func TestFaultTable(t *testing.T) {
	s, do := start(t, Options{Limits: map[string]Limit{}})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	attempt := func(method, path, body string) (code int, text string, err error) {
		req, err := http.NewRequest(method, s.BaseURL()+"/local/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", s.Key())
		resp, err := client.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	// Each operation has its own job, which waits.
	ops := []struct{ op, method, path string }{
		{"run", "POST", "run"},
		{"runsync", "POST", "runsync?wait=1000"},
		{"status", "GET", "status/"},
		{"status-sync", "GET", "status-sync/%s?wait=1000"},
		{"stream", "GET", "stream/%s?wait=1000"},
		{"cancel", "POST", "cancel/"},
		{"retry", "POST", "retry/"},
		{"purge-queue", "POST", "purge-queue"},
		{"health", "GET", "health"},
		{"requests", "GET", "requests"},
	}
	type fault struct {
		name    string
		f       Fault
		code    int // 0: the connection is cut
		carried bool
	}
	faults := []fault{
		{"429", Fault{Kind: FaultStatus, Status: 429, RetryAfter: 2}, 429, false},
		{"502 before", Fault{Kind: FaultStatus, Status: 502}, 502, false},
		{"502 after", Fault{Kind: FaultStatus, Status: 502, After: true}, 502, true},
		{"cut before", Fault{Kind: FaultCut}, 0, false},
		{"cut after", Fault{Kind: FaultCut, After: true}, 0, true},
		{"truncated", Fault{Kind: FaultTruncate}, 0, true},
		{"slow", Fault{Kind: FaultSlow, DelayMS: 5}, 200, true},
	}
	for _, op := range ops {
		// retry's own job must have failed.
		for _, f := range faults {
			if strings.Contains(op.path, "wait") && f.carried && f.f.Kind != FaultSlow {
				continue // each takes a second, and run and status cover it
			}
			t.Run(op.op+" "+f.name, func(t *testing.T) {
				s.ep.q.purge()
				v, err := s.ep.q.submit(submission{input: json.RawMessage(`{"a":1}`)})
				if err != nil {
					t.Fatal(err)
				}
				if op.op == "retry" {
					s.ep.q.enlist("w", true, "")
					s.ep.q.mu.Lock()
					s.ep.q.takeLocked("w", 1)
					s.ep.q.mu.Unlock()
					s.ep.q.finish(v.id, "w", nil, "failed")
				}
				path := op.path
				switch {
				case strings.Contains(path, "%s"):
					path = fmt.Sprintf(path, v.id)
				case strings.HasSuffix(path, "/"):
					path += v.id
				}
				f.f.Op = op.op
				if err := s.Inject(f.f); err != nil {
					t.Fatal(err)
				}
				before := s.Health().Jobs
				code, text, err := attempt(op.method, path, `{"input":{"a":1}}`)
				if f.code == 0 && err == nil || f.code != 0 && (code != f.code || err != nil) {
					t.Fatalf("%d %q %v", code, text, err)
				}
				if f.f.Kind == FaultStatus && text != "" {
					t.Errorf("the body is %q", text)
				}
				if len(s.Faults()) != 0 {
					t.Errorf("left: %v", s.Faults())
				}
				after := s.Health().Jobs
				changes := map[string]int{"run": 1, "runsync": 1, "cancel": -1, "retry": 1, "purge-queue": -1}[op.op]
				if !f.carried {
					changes = 0
				}
				if got := after.InQueue - before.InQueue; got != changes {
					t.Errorf("the queue changed by %d, want %d", got, changes)
				}
			})
		}
	}
	if code, _ := do("GET", "/health", nil); code != 200 {
		t.Error(code)
	}
}

func TestTruncatedIsHalf(t *testing.T) {
	s, do := start(t, Options{Handler: echo})
	_, b := do("POST", "/runsync", []byte(`{"input":{"value":"0123456789"}}`))
	var v idStatus
	json.Unmarshal(b, &v)
	s.Inject(Fault{Kind: FaultTruncate, Op: "status"})
	req, _ := http.NewRequest("GET", s.BaseURL()+"/local/status/"+v.ID, nil)
	req.Header.Set("Authorization", s.Key())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	half, err := io.ReadAll(resp.Body)
	if err == nil || len(half) == 0 || json.Valid(half) {
		t.Errorf("%q %v", half, err)
	}
}

func TestFaultCounts(t *testing.T) {
	s := newServer(t, Options{Faults: []Fault{{Kind: FaultStatus, Op: "health", Status: 503, Skip: 1, Count: 2}}})
	var got []int
	for range 5 {
		code, _ := callRaw(t, s, "GET", "/v2/local/health", "")
		got = append(got, code)
	}
	if fmt.Sprint(got) != "[200 503 503 200 200]" {
		t.Error(got)
	}
	for _, bad := range []Fault{{}, {Kind: "fire"}, {Kind: FaultGone, Op: "manage-get"}, {Kind: FaultCut, Op: "manage-put"}, {Kind: FaultCut, Op: "walk"}, {Kind: FaultCut, Count: -2}, {Kind: FaultStatus, Status: 200}} {
		if s.Inject(bad) == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestTwinFaults(t *testing.T) {
	s := newServer(t, Options{})
	if code, text := callRaw(t, s, "POST", "/twin/faults", `{"faults":[{"kind":"status","op":"health","status":502},{"kind":"slow","delay_ms":5}]}`); code != 200 {
		t.Fatal(code, text)
	}
	if _, m := call(t, s, "POST", "/twin/faults", `{"kind":"gone","op":"status"}`); len(m["faults"].([]any)) != 3 {
		t.Error(m)
	}
	for _, bad := range []string{`{"kind":"fire"}`, `{"kind":"cut","when":"now"}`, `[]`, ``} {
		if code, _ := callRaw(t, s, "POST", "/twin/faults", bad); code != 400 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	if code, _ := callRaw(t, s, "GET", "/v2/local/health", ""); code != 502 {
		t.Error(code)
	}
	if code, _ := callRaw(t, s, "DELETE", "/twin/faults", ""); code != 204 || len(s.Faults()) != 0 {
		t.Error(code, s.Faults())
	}
}

func TestGone(t *testing.T) {
	s := newServer(t, Options{})
	id := mustRun(t, s, `{"input":{"a":1}}`)
	s.Inject(Fault{Kind: FaultGone, Op: "status"})
	if code, _ := call(t, s, "GET", "/v2/local/status/"+id, ""); code != 404 {
		t.Error(code)
	}
}

func TestDuplicateDelivery(t *testing.T) {
	s := newServer(t, Options{})
	id := mustRun(t, s, `{"input":{"a":1}}`)
	s.Inject(Fault{Kind: FaultDuplicate})
	if a, b := take(t, s, "w1"), take(t, s, "w2"); a["id"] != id || b["id"] != id {
		t.Fatal(a, b)
	}
	post(t, s, "job-done", "w2", id, `{"output":"second"}`, 200)
	wantStatus(t, s, id, StatusInProgress)
	post(t, s, "job-done", "w1", id, `{"output":"first"}`, 200)
	if m := wantStatus(t, s, id, StatusCompleted); m["output"] != "first" {
		t.Error(m)
	}
}

func TestMuteWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, Faults: []Fault{{Kind: FaultMute}}})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"value":1,"yield":2}}`)
		synctest.Wait()
		wantStatus(t, s, id, StatusInProgress)
		time.Sleep(41 * time.Second)
		synctest.Wait()
		if m := wantStatus(t, s, id, StatusCompleted); m["retries"] != 1.0 {
			t.Error(m)
		}
		if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+id, ""); strings.Count(text, "output") != 2 {
			t.Error(text)
		}
	})
}

func TestLateProgressFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, Faults: []Fault{{Kind: FaultLateProgress}}})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"value":1},"policy":{"executionTimeout":30000}}`)
		synctest.Wait()
		wantStatus(t, s, id, StatusInProgress)
		time.Sleep(31 * time.Second)
		wantStatus(t, s, id, StatusTimedOut)
	})
}

func TestSkipClock(t *testing.T) {
	s := newServer(t, Options{Handler: echo})
	_, m := call(t, s, "POST", "/v2/local/runsync", `{"input":{"value":1}}`)
	id := m["id"].(string)
	if code, m := call(t, s, "POST", "/twin/clock", `{"skip_ms":59000}`); code != 200 {
		t.Fatal(m)
	}
	wantStatus(t, s, id, StatusCompleted)
	call(t, s, "POST", "/twin/clock", `{"skip_ms":2000}`)
	if code, _ := call(t, s, "GET", "/v2/local/status/"+id, ""); code != 404 {
		t.Error(code)
	}

	var c SkipClock
	var order []int
	for _, n := range []int{3, 1, 2} {
		c.AfterFunc(time.Duration(n)*time.Hour, func() { order = append(order, n) })
	}
	stop := c.AfterFunc(time.Hour, func() { t.Error("a stopped timer fired") })
	if !stop() || stop() {
		t.Error("stop")
	}
	c.Skip(150 * time.Minute)
	c.Skip(time.Hour)
	if fmt.Sprint(order) != "[1 2 3]" {
		t.Error(order)
	}
}

func TestCapacity(t *testing.T) {
	s := newServer(t, Options{})
	call(t, s, "POST", "/twin/capacity", `{"available":false}`)
	if s.ep.q.blocked == nil {
		t.Error("not throttled")
	}
	call(t, s, "POST", "/twin/capacity", `{"available":true}`)
	if s.ep.q.blocked != nil {
		t.Error("throttled")
	}
}

// A create that is answered with 502 has created the resource.
func TestManageFaults(t *testing.T) {
	s := newServer(t, Options{Faults: []Fault{
		{Kind: FaultStatus, Op: "manage-post", Status: 502, After: true},
		{Kind: FaultStatus, Op: "manage-get", Status: 503, Skip: 1},
	}})
	if code, text := callRaw(t, s, "POST", "/v2/serverless", trainerSpec+`}`); code != 502 || text != "" {
		t.Error(code, text)
	}
	if code, all := call(t, s, "GET", "/v2/serverless", ""); code != 200 || len(all["endpoints"].([]any)) != 2 {
		t.Error(code, all)
	}
	for _, want := range []int{503, 200} {
		if code, _ := callRaw(t, s, "GET", "/v2/serverless", ""); code != want {
			t.Error(code)
		}
	}
}
