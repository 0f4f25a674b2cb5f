package embedded

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The test binary is also the program of the endpoint's process.
func TestMain(m *testing.M) {
	if os.Getenv(envKey) != "" {
		dir := os.Getenv("GOPHERPOD_TEST_KEPT")
		after, err := time.ParseDuration(os.Getenv("GOPHERPOD_TEST_AFTER"))
		if err != nil {
			after = time.Second
		}
		err = Serve(context.Background(), Outlived{After: after, Keep: func(address, key string) (func(), error) {
			path := filepath.Join(dir, "kept")
			return func() { os.Remove(path) }, os.WriteFile(path, []byte(address+" "+key), 0o600)
		}})
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func begin(t *testing.T) *Endpoint {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	e, err := Begin(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func ask(t *testing.T, url, key, method, path, body string) (code int, answer map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url+"/v2/local"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	json.Unmarshal(b, &answer)
	return resp.StatusCode, answer
}

// training is a job that takes a while.
const training = `{"input": {"operation": "train", "protocol": 1, "run_id": "r", "model_config": {"layers": [{"type": "linear", "out_features": 64}, {"type": "tanh"}, {"type": "linear", "out_features": 2}]},
	"training_data": {"features": [[0, 0], [0, 1], [1, 0], [1, 1]], "labels": [0, 1, 1, 0]}, "hyperparameters": {"epochs": EPOCHS, "batch_size": 1}}}`

// A notebook that sends no request starts no process and leaves nothing behind.
func TestUnused(t *testing.T) {
	e := begin(t)
	if _, err := os.Stat(e.Folder); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if e.ended != nil {
		t.Error("a process was started")
	}
	if _, err := os.Stat(e.Folder); err == nil {
		t.Error("its folder is left behind")
	}
}

// The process starts with the first request and exits with the kernel if it has no
// job.
func TestIdle(t *testing.T) {
	e := begin(t)
	if code, answer := ask(t, e.URL, e.Key, "POST", "/runsync", `{"input": {"operation": "gpu_info"}}`); code != 200 || answer["status"] != "COMPLETED" {
		t.Fatal(code, answer)
	}
	if code, _ := ask(t, e.URL, "other", "GET", "/health", ""); code != 401 {
		t.Errorf("another key: %d", code)
	}
	e.mu.Lock()
	ended := e.ended
	e.mu.Unlock()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the process stays")
	}
	for _, name := range []string{e.Folder, e.Folder + ".lock"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
}

// A training continues after the kernel is gone. Another kernel finds it, and the
// process exits some time after it.
func TestOutlives(t *testing.T) {
	kept := t.TempDir()
	t.Setenv("GOPHERPOD_TEST_KEPT", kept)
	e := begin(t)
	_, job := ask(t, e.URL, e.Key, "POST", "/run", strings.Replace(training, "EPOCHS", "20000", 1))
	id, _ := job["id"].(string)
	if id == "" {
		t.Fatal(job)
	}
	for status := any(nil); status != "IN_PROGRESS"; {
		_, job = ask(t, e.URL, e.Key, "GET", "/status/"+id, "")
		if status = job["status"]; status == "COMPLETED" || status == "FAILED" {
			t.Fatalf("%v: want it to run when the kernel exits", status)
		}
	}
	e.mu.Lock()
	ended := e.ended
	e.mu.Unlock()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	var found []byte
	for range 100 {
		if found, _ = os.ReadFile(filepath.Join(kept, "kept")); len(found) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if string(found) != e.URL+"/v2 "+e.Key {
		t.Fatalf("kept %q", found)
	}
	for {
		code, job := ask(t, e.URL, e.Key, "GET", "/status-sync/"+id+"?wait=5000", "")
		if code != 200 {
			t.Fatal(code, job)
		}
		if job["status"] == "COMPLETED" {
			break
		}
		if job["status"] == "FAILED" {
			t.Fatal(job)
		}
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the process stays")
	}
	if _, err := os.Stat(filepath.Join(kept, "kept")); err == nil {
		t.Error("its key is left behind")
	}
	if _, err := os.Stat(e.Folder); err == nil {
		t.Error("its folder is left behind")
	}
}

// If no process can be started, the endpoint runs in this one.
func TestNoProgram(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	e, err := Begin("/nowhere/gopherpod")
	if err != nil {
		t.Fatal(err)
	}
	if code, answer := ask(t, e.URL, e.Key, "POST", "/runsync", `{"input": {"operation": "gpu_info"}}`); code != 200 || answer["status"] != "COMPLETED" {
		t.Error(code, answer)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func TestWithout(t *testing.T) {
	got := without([]string{"HOME=/h", "RUNPOD_API_KEY=x", "MY_TOKEN=y", "PATH=/p", "db_password=z"})
	if strings.Join(got, " ") != "HOME=/h PATH=/p" {
		t.Error(got)
	}
}

// The result of a training is kept for a while, whether it ends before or after its kernel:
// a kernel that is killed at any moment loses nothing.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Setenv("GOPHERPOD_TEST_AFTER", "10s")
	kept := t.TempDir()
	t.Setenv("GOPHERPOD_TEST_KEPT", kept)
	for i := range 20 {
		e := begin(t)
		_, job := ask(t, e.URL, e.Key, "POST", "/run", strings.Replace(training, "EPOCHS", "200", 1))
		id, _ := job["id"].(string)
		for j := 0; j < i || i == 19 && job["status"] != "COMPLETED"; j++ { // later each time, the last after its end
			_, job = ask(t, e.URL, e.Key, "GET", "/status/"+id, "")
		}
		before := job["status"]
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if i == 19 {
			for key := ""; key != e.URL+"/v2 "+e.Key; {
				b, _ := os.ReadFile(filepath.Join(kept, "kept"))
				key = string(b)
			}
		}
		for job["status"] != "COMPLETED" || job["output"] == nil {
			var code int
			if code, job = ask(t, e.URL, e.Key, "GET", "/status/"+id, ""); code != 200 || job["status"] == "FAILED" {
				t.Fatalf("%d: %v when the kernel ended, then %d %v", i, before, code, job)
			}
		}
		if list, ok := job["output"].([]any); !ok || list[len(list)-1].(map[string]any)["type"] != "done" {
			t.Errorf("%d: the output is %v", i, job["output"])
		}
	}
}
