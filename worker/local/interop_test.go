package local

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// python returns the interpreter with RunPod's SDK. It skips the test unless GOPHERPOD_E2E=1 is
// set.
func python(t *testing.T) string {
	t.Helper()
	if os.Getenv("GOPHERPOD_E2E") != "1" {
		t.Skip("GOPHERPOD_E2E=1 runs RunPod's SDK against the endpoint")
	}
	p := os.Getenv("GOPHERPOD_PYTHON")
	if p == "" {
		t.Fatal("GOPHERPOD_PYTHON is not set: it names a Python that has the runpod package (pip install runpod)")
	}
	if out, err := exec.Command(p, "-c", "import runpod").CombinedOutput(); err != nil {
		t.Fatalf("%s cannot import runpod: %v\n%s", p, err, out)
	}
	return p
}

// attach runs a worker process with RunPod's SDK until the test ends. Its exit
// closes the channel.
func attach(t *testing.T, py string, s *Server, id, handler string, env ...string) (exited <-chan struct{}, stop func()) {
	t.Helper()
	// The user's own RunPod key, which the SDK prefers to the one in the environment.
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".runpod"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".runpod", "config.toml"), []byte("[default]\napi_key = \"rpa_of_the_user\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, py, filepath.Join("testdata", "sdk_worker.py"))
	cmd.Env = append(os.Environ(), s.WorkerEnv(id)...)
	cmd.Env = append(append(cmd.Env, "HANDLER="+handler, "HOME="+home), env...)
	cmd.WaitDelay = time.Second
	var mu sync.Mutex
	var out bytes.Buffer
	cmd.Stdout = writer(func(b []byte) { mu.Lock(); out.Write(b); mu.Unlock() })
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		cancel()
		<-done
		if t.Failed() {
			mu.Lock()
			t.Logf("worker %s:\n%s", id, out.String())
			mu.Unlock()
		}
	})
	return done, func() { cancel(); <-done }
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

type doFunc func(method, path string, body []byte) (int, []byte)

// ended waits until a job has ended.
func (do doFunc) ended(t *testing.T, id string) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		var m map[string]any
		_, b := do("GET", "/status-sync/"+id+"?wait=5000", nil)
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		s, _ := m["status"].(string)
		if Status(s).Terminal() {
			return m
		}
		if time.Now().After(deadline) {
			t.Fatalf("the job did not end: %v", m)
		}
	}
}

func (do doFunc) run(t *testing.T, input string) string {
	t.Helper()
	code, b := do("POST", "/run", []byte(`{"input":`+input+`}`))
	var m idStatus
	if err := json.Unmarshal(b, &m); err != nil || code != 200 {
		t.Fatalf("%d %s", code, b)
	}
	return m.ID
}

func (do doFunc) streamed(id string) string {
	_, b := do("GET", "/stream/"+id, nil)
	return string(b)
}

func TestSDKWorkers(t *testing.T) { pythons(t, testSDKWorkers) }

func testSDKWorkers(t *testing.T, py string) {
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{})
		do := doFunc(d)
		attach(t, py, s, "w1", "plain")
		m := do.ended(t, do.run(t, `{"x":9007199254740993}`))
		if m["status"] != "COMPLETED" || m["workerId"] != "w1" {
			t.Fatal(m)
		}
		m = do.ended(t, do.run(t, `{"fail":"no rows"}`))
		var e map[string]string
		if err := json.Unmarshal([]byte(m["error"].(string)), &e); err != nil || m["status"] != "FAILED" {
			t.Fatal(m, err)
		}
		if e["error_type"] != "<class 'ValueError'>" || e["error_message"] != "no rows" || e["worker_id"] != "w1" {
			t.Error(e)
		}
		m = do.ended(t, do.run(t, `{"error":"told"}`))
		if m["status"] != "FAILED" || m["error"] != "told" {
			t.Error(m)
		}
	})
	t.Run("generator", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{})
		do := doFunc(d)
		attach(t, py, s, "", "generator")
		id := do.run(t, `{"n":3}`)
		m := do.ended(t, id)
		if out, _ := m["output"].([]any); m["status"] != "COMPLETED" || out == nil || len(out) != 0 {
			t.Error(m)
		}
		if got := do.streamed(id); got != `{"status":"COMPLETED","stream":[{"output":{"i": 0}},{"output":{"i": 1}},{"output":{"i": 2}}]}` {
			t.Error(got)
		}
		id = do.run(t, `{"n":1,"fail":"half way"}`)
		if m = do.ended(t, id); m["status"] != "FAILED" || !strings.HasPrefix(m["error"].(string), "handler: half way") {
			t.Error(m)
		}
		if got := do.streamed(id); got != `{"status":"FAILED","stream":[{"output":{"i": 0}}]}` {
			t.Error(got)
		}
	})
	t.Run("aggregate", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{})
		do := doFunc(d)
		attach(t, py, s, "", "aggregate")
		m := do.ended(t, do.run(t, `{"n":3}`))
		if out, _ := m["output"].([]any); len(out) != 3 {
			t.Error(m)
		}
	})
	t.Run("progress", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{})
		do := doFunc(d)
		attach(t, py, s, "", "progress")
		id := do.run(t, `{"x":1}`)
		seen := map[any]bool{}
		for {
			var m map[string]any
			_, b := do("GET", "/status/"+id, nil)
			json.Unmarshal(b, &m)
			if seen[m["output"]] = true; m["status"] == "COMPLETED" {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if !seen["step 0"] || !seen["step 1"] || !seen["finished"] {
			t.Error(seen)
		}
	})
	t.Run("refresh", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{})
		do := doFunc(d)
		exited, _ := attach(t, py, s, "", "refresh")
		first, second := do.run(t, `{"x":1}`), do.run(t, `{"x":2}`)
		do.ended(t, first)
		<-exited
		attach(t, py, s, "", "refresh")
		if m := do.ended(t, second); m["status"] != "COMPLETED" || m["retries"] != nil {
			t.Error(m)
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{})
		do := doFunc(d)
		attach(t, py, s, "", "concurrent")
		var ids []string
		for range 8 {
			ids = append(ids, do.run(t, `{"sleep":1}`))
		}
		most := 0
		for s.Health().Jobs.Completed < 8 {
			most = max(most, s.Health().Jobs.InProgress)
			time.Sleep(20 * time.Millisecond)
		}
		if most < 2 {
			t.Errorf("%d jobs at a time", most)
		}
		for _, id := range ids {
			do.ended(t, id)
		}
	})
	t.Run("queue", func(t *testing.T) { // the service counts workers, not what one takes at a time
		t.Parallel()
		s, d := start(t, Options{Limits: map[string]Limit{}})
		total := 0
		for n, want := range []int{500, 504, 1008} {
			if n > 0 {
				attach(t, py, s, "", "concurrent")
				for s.Health().Jobs.InProgress < 4*n {
					time.Sleep(10 * time.Millisecond)
				}
			}
			for {
				if code, _ := d("POST", "/run", []byte(`{"input":{"sleep":600}}`)); code != 200 {
					break
				}
				total++
			}
			if total != want {
				t.Errorf("%d jobs with %d workers of 4 jobs each, want %d", total, n, want)
			}
		}
	})
	t.Run("cancel", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{})
		do := doFunc(d)
		file := filepath.Join(t.TempDir(), "cancelled")
		attach(t, py, s, "", "slow", "CANCELLED_FILE="+file)
		id := do.run(t, `{"sleep":600}`)
		for s.Health().Jobs.InProgress == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond) // the SDK starts a job within 0.1 s of taking it
		do("POST", "/cancel/"+id, nil)
		next := do.run(t, `{"sleep":0}`)
		if m := do.ended(t, next); m["status"] != "COMPLETED" {
			t.Error(m)
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != id {
			t.Errorf("the handler was not told: %q %v", b, err)
		}
	})
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{HeartbeatTimeout: 4 * time.Second})
		do := doFunc(d)
		_, kill := attach(t, py, s, "first", "plain")
		id := do.run(t, `{"sleep":6}`)
		for s.Health().Jobs.InProgress == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		kill()
		attach(t, py, s, "second", "plain")
		// It sleeps longer than the timeout: only the pings keep it alive now.
		m := do.ended(t, id)
		if m["status"] != "COMPLETED" || m["workerId"] != "second" || m["retries"] != 1.0 {
			t.Error(m)
		}
	})
	t.Run("empty input", func(t *testing.T) {
		t.Parallel()
		s, d := start(t, Options{HeartbeatTimeout: 2 * time.Second})
		do := doFunc(d)
		attach(t, py, s, "", "plain")
		m := do.ended(t, do.run(t, `{}`))
		if m["status"] != "FAILED" || m["error"] != "job timed out after 1 retries" || m["retries"] != 1.0 {
			t.Error(m)
		}
	})
}

// A server that restarts while a worker has a job gets that job's result.
func TestSDKRestart(t *testing.T) { pythons(t, testSDKRestart) }

func testSDKRestart(t *testing.T, py string) {
	opt := Options{StateDir: t.TempDir(), Key: "rpa_fixed"}
	s, d := start(t, opt)
	do := doFunc(d)
	// While a synchronous handler sleeps, the SDK's event loop stands still and does not see
	// that the server has closed its connections. SDK 2 then sends the result into one of
	// them, once (its aiohttp-retry does not try again after exceptions), and the job runs again.
	handler := "plain"
	if py == os.Getenv("GOPHERPOD_PYTHON_SDK2") {
		handler = "slow"
	}
	attach(t, py, s, "w1", handler)
	id := do.run(t, `{"sleep":3}`)
	queued := do.run(t, `{"sleep":0}`)
	for s.Health().Jobs.InProgress == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	opt.Addr = strings.TrimPrefix(s.URL(), "http://")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	_, d = start(t, opt)
	do = doFunc(d)
	m := do.ended(t, id)
	if m["status"] != "COMPLETED" || m["retries"] != nil || m["workerId"] != "w1" {
		t.Error(m)
	}
	if m = do.ended(t, queued); m["status"] != "COMPLETED" {
		t.Error(m)
	}
}

// The server starts the worker itself when a job comes and stops it when it is
// idle.
func TestSDKCommand(t *testing.T) { pythons(t, testSDKCommand) }

func testSDKCommand(t *testing.T, py string) {
	t.Setenv("HANDLER", "plain")
	t.Setenv("HOME", t.TempDir())
	s, d := start(t, Options{Runner: Command(py, filepath.Join("testdata", "sdk_worker.py")), Scaling: &Scaling{Max: 1, IdleTimeout: 2 * time.Second}})
	do := doFunc(d)
	m := do.ended(t, do.run(t, `{"x":1}`))
	id, _ := m["workerId"].(string)
	if m["status"] != "COMPLETED" || m["output"].(map[string]any)["worker"] != id {
		t.Fatal(m)
	}
	if lines, _, _ := s.ep.logs.after(id, time.Time{}); len(lines) < 3 {
		t.Errorf("the worker's output is not in its log: %v", lines)
	}
	for deadline := time.Now().Add(20 * time.Second); s.Health().Workers != (WorkerCounts{}); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the idle worker runs on: %+v", s.Health())
		}
	}
}

// printed runs a client program and returns the JSON object that it prints.
func printed(t *testing.T, cmd *exec.Cmd) (seen map[string]any) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return seen
}

func TestSDKClient(t *testing.T) { pythons(t, testSDKClient) }

func testSDKClient(t *testing.T, py string) {
	s, _ := start(t, Options{Handler: echo})
	cmd := exec.Command(py, filepath.Join("testdata", "sdk_client.py"), s.EndpointID())
	cmd.Env = append(os.Environ(), "RUNPOD_ENDPOINT_BASE_URL="+s.BaseURL(), "RUNPOD_API_KEY="+s.Key(), "RUNPOD_AI_API_KEY="+s.Key(), "HOME="+t.TempDir())
	seen := printed(t, cmd)
	for k, want := range map[string]string{
		"run_sync": `{"a":1}`, "stream": `[0,1,2]`, "status": `"COMPLETED"`, "output": `"end"`, "cancelled": `"CANCELLED"`,
		"failed_output": `null`, "failed": `"FAILED"`, "purge": `{"removed":0,"status":"completed"}`,
		"async_output": `5`, "async_status": `"COMPLETED"`,
	} {
		if got, _ := json.Marshal(seen[k]); string(got) != want {
			t.Errorf("%s: %s, want %s", k, got, want)
		}
	}
	if s, _ := seen["wrong_key"].(string); !strings.Contains(s, "401") {
		t.Errorf("wrong key: %v", seen["wrong_key"])
	}
}
