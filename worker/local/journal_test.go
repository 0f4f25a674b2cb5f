package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// restart closes s and opens another server with its state.
func restart(t *testing.T, s *Server, opt Options) *Server {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return newServer(t, opt)
}

func TestRestartLosesNoJob(t *testing.T) {
	opt := Options{StateDir: t.TempDir()}
	s := newServer(t, opt)
	attached := mustRun(t, s, `{"input":{"n":1},"webhook":"http://127.0.0.1:1/","policy":{"ttl":3600000,"executionTimeout":600000}}`)
	take(t, s, "w1")
	post(t, s, "job-stream", "w1", attached, `{"output":"read"}`, 200)
	callRaw(t, s, "GET", "/v2/local/stream/"+attached, "")
	post(t, s, "job-stream", "w1", attached, `{"output":"unread"}`, 200)
	done := mustRun(t, s, `{"input":{"n":2}}`)
	take(t, s, "w1")
	post(t, s, "job-done", "w1", done, `{"output":{"big":9007199254740993}}`, 200)
	failed := mustRun(t, s, `{"input":{"n":3}}`)
	take(t, s, "w1")
	post(t, s, "job-done", "w1", failed, `{"error":"no"}`, 200)
	first, second := mustRun(t, s, `{"input":{"n":4}}`), mustRun(t, s, `{"input":{"n":5}}`)
	cancelled := mustRun(t, s, `{"input":{"n":6}}`)
	call(t, s, "POST", "/v2/local/cancel/"+cancelled, "")
	_, before := callRaw(t, s, "GET", "/v2/local/status/"+done, "")

	if _, err := New(Options{StateDir: opt.StateDir}); err == nil {
		t.Error("two servers on one state")
	}
	for range 2 { // the second time from a compacted journal
		s = restart(t, s, opt)
		if _, after := callRaw(t, s, "GET", "/v2/local/status/"+done, ""); after != before {
			t.Errorf("%s\nwas %s", after, before)
		}
		wantStatus(t, s, cancelled, StatusCancelled)
		if m := wantStatus(t, s, failed, StatusFailed); m["error"] != "no" {
			t.Error(m)
		}
		wantStatus(t, s, attached, StatusInProgress)
		wantStatus(t, s, first, StatusInQueue)
	}
	if _, text := callRaw(t, s, "GET", "/v2/local/stream/"+attached, ""); text != `{"status":"IN_PROGRESS","stream":[{"output":"unread"}]}` {
		t.Error(text)
	}
	post(t, s, "job-done", "w1", attached, `{"output":"from before"}`, 200)
	wantStatus(t, s, attached, StatusCompleted)
	if a, b := take(t, s, "w1"), take(t, s, "w1"); a["id"] != first || b["id"] != second || a["input"].(map[string]any)["n"] != 4.0 {
		t.Error(a, b)
	}
	s.ep.q.check(t)
}

// A job whose handler the restart interrupted runs again, which does not count
// as a retry.
func TestRestartInProcess(t *testing.T) {
	opt := Options{StateDir: t.TempDir(), Handler: echo}
	s := newServer(t, opt)
	id := mustRun(t, s, `{"input":{"yield":2,"block":true}}`)
	for s.Health().Jobs.InProgress == 0 {
	}
	opt.Handler = echoInput
	s = restart(t, s, opt)
	_, m := call(t, s, "GET", "/v2/local/status-sync/"+id, "")
	if m["status"] != "COMPLETED" || m["retries"] != nil {
		t.Error(m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(opt.StateDir, "local.jobs"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

// Wherever the last write broke off when the process died, everything before it
// is restored.
func TestCutJournal(t *testing.T) {
	dir := t.TempDir()
	s := newServer(t, Options{StateDir: dir})
	var ids []string
	for i := range 5 {
		ids = append(ids, mustRun(t, s, fmt.Sprintf(`{"input":{"n":%d}}`, i)))
	}
	s.Close()
	path := filepath.Join(dir, "local.jobs")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for cut := 0; cut <= len(whole); cut += 7 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := newServer(t, Options{StateDir: dir})
		n := s.Health().Jobs.InQueue
		for i, id := range ids {
			if _, err := s.ep.q.get(id); (err == nil) != (i < n) {
				t.Fatalf("cut at %d: %d jobs, but job %d: %v", cut, n, i, err)
			}
		}
		if n < most {
			t.Fatalf("cut at %d: %d jobs after %d", cut, n, most)
		}
		most = n
		s.Close()
	}
	if most < 4 {
		t.Error(most)
	}
}

func TestCompaction(t *testing.T) {
	s := newServer(t, Options{StateDir: t.TempDir(), Limits: map[string]Limit{}})
	s.ep.q.journal.room = 1 << 20
	big := strings.Repeat("x", 40<<10)
	for range 100 {
		id := mustRun(t, s, `{"input":{"a":"`+big+`"}}`)
		s.ep.q.forget(id)
	}
	keep := mustRun(t, s, `{"input":{"a":1}}`)
	s.ep.q.mu.Lock()
	size := s.ep.q.journal.size
	s.ep.q.mu.Unlock()
	if size > 2<<20 {
		t.Errorf("the journal has %d bytes", size)
	}
	wantStatus(t, s, keep, StatusInQueue)
}

func FuzzReadRecord(f *testing.F) {
	var b bytes.Buffer
	writeRecord(&b, note{What: "job", ID: "a", Exec: 5}, []byte(`{"x":1}`))
	writeRecord(&b, note{What: "state", ID: "a", Status: StatusInQueue}, nil)
	f.Add(b.Bytes())
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		opt, _ := Options{}.withDefaults()
		q := newQueue(opt)
		r := bytes.NewReader(b)
		for {
			n, blob, size, err := readRecord(r, 1<<20)
			if err != nil {
				break
			}
			var again bytes.Buffer
			if s, err := writeRecord(&again, n, blob); err != nil || s <= 0 || size <= 0 {
				t.Fatal(s, size, err)
			}
			q.mu.Lock()
			q.replayLocked(n, blob)
			q.mu.Unlock()
		}
		for _, j := range q.jobs {
			if !json.Valid(appendString(nil, j.id)) {
				t.Fatal(j.id)
			}
		}
	})
}
