package track

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

func epoch(n int) worker.Epoch {
	v := worker.Number(0.5)
	return worker.Epoch{Epoch: n, Loss: worker.Number(1 / float64(n)), ValLoss: &v, LearningRate: 0.1}
}

var sample = Run{ID: "abcdef0123456789", Title: "linear 2", Params: map[string]string{"optimizer": "adam", "seed": "7"}, Tags: []string{"paper"}, Begun: time.Now()}

// tracked passes n epochs through a session and returns the lines that it reported.
func tracked(t *testing.T, tr Tracker, n int, r Result) string {
	t.Helper()
	var mu sync.Mutex
	var told []string
	s := Start(t.Context(), sample, map[string]Tracker{"it": tr}, func(line string) {
		mu.Lock()
		told = append(told, line)
		mu.Unlock()
	})
	for i := range n {
		s.Epoch(epoch(i + 1))
	}
	s.End(r)
	mu.Lock()
	defer mu.Unlock()
	return strings.Join(told, "\n")
}

// A slow tracker gets every epoch, several at once, and holds nothing up.
type slow struct{ got []int }

func (s *slow) Begin(context.Context, Run) error { time.Sleep(50 * time.Millisecond); return nil }
func (s *slow) Epochs(_ context.Context, list []worker.Epoch) error {
	time.Sleep(20 * time.Millisecond)
	for _, e := range list {
		s.got = append(s.got, e.Epoch)
	}
	return nil
}
func (s *slow) End(context.Context, Result) error { return nil }

func TestSlow(t *testing.T) {
	s := &slow{}
	if told := tracked(t, s, 1000, Result{Status: "completed"}); told != "" {
		t.Error(told)
	}
	for i, n := range s.got {
		if n != i+1 {
			t.Fatalf("epoch %d is number %d", n, i)
		}
	}
	if len(s.got) != 1000 {
		t.Errorf("%d epochs", len(s.got))
	}
	var none *Session
	none.Epoch(epoch(1))
	none.End(Result{})
}

// The failure of a server is reported once.
func TestMLflowFaults(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"lie":   func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"empty": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(handler)
			defer s.Close()
			m, err := NewMLflow(func(name string) string {
				return map[string]string{EnvMLflowURI: s.URL, EnvMLflowToken: "verysecret"}[name]
			})
			if err != nil {
				t.Fatal(err)
			}
			told := tracked(t, m, 3, Result{Status: "completed"})
			if strings.Count(told, "\n") != 0 || !strings.Contains(told, "the training goes on without it") || strings.Contains(told, "verysecret") {
				t.Error(told)
			}
		})
	}
	if _, err := NewMLflow(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), EnvMLflowURI) {
		t.Error(err)
	}
	if _, err := New("mlfow"); err == nil {
		t.Error("an unknown tracker")
	}
}

func interop(t *testing.T) string {
	python := os.Getenv("GOPHERPOD_INTEROP_PYTHON")
	if os.Getenv("GOPHERPOD_E2E") == "" || python == "" {
		t.Skip("GOPHERPOD_E2E=1 and GOPHERPOD_INTEROP_PYTHON run it against the real programs")
	}
	return python
}

// TestTensorBoardReads: TensorBoard's own reader has every scalar.
func TestTensorBoardReads(t *testing.T) {
	python := interop(t)
	dir := t.TempDir()
	if told := tracked(t, &TensorBoard{Dir: dir}, 5, Result{}); told != "" {
		t.Fatal(told)
	}
	const script = `
import sys, json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
print(json.dumps({t: [[e.step, e.value] for e in a.Scalars(t)] for t in a.Tags()["scalars"]}))`
	b, err := exec.Command(python, "-c", script, filepath.Join(dir, sample.ID)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][][2]float64
	if err := json.Unmarshal(b[strings.LastIndex(strings.TrimSpace(string(b)), "\n")+1:], &got); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if len(got["loss"]) != 5 || got["loss"][4] != [2]float64{5, float64(float32(0.2))} || len(got["val_loss"]) != 5 {
		t.Errorf("%v", got)
	}
}

// TestMLflowServer logs to a real server, and MLflow's own client finds everything.
func TestMLflowServer(t *testing.T) {
	python := interop(t)
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	uri := fmt.Sprintf("http://127.0.0.1:%d", port)
	server := exec.Command(python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--workers", "1",
		"--backend-store-uri", "sqlite:///"+filepath.Join(dir, "mlflow.db"), "--artifacts-destination", filepath.Join(dir, "artifacts"))
	server.Dir = dir
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(os.Interrupt)
		done := make(chan error, 1)
		go func() { done <- server.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			server.Process.Kill()
		}
	})
	up := errors.New("not asked")
	for begin := time.Now(); up != nil && time.Since(begin) < 3*time.Minute; time.Sleep(300 * time.Millisecond) {
		var resp *http.Response
		if resp, up = http.Get(uri + "/health"); up == nil {
			resp.Body.Close()
		}
	}
	if up != nil {
		b, _ := os.ReadFile(log.Name())
		t.Fatalf("%v\n%s", up, b)
	}
	model := filepath.Join(dir, "model.safetensors")
	if err := os.WriteFile(model, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the experiment is created, then found
		m, err := NewMLflow(func(name string) string {
			return map[string]string{EnvMLflowURI: uri, EnvMLflowExperiment: "ours"}[name]
		})
		if err != nil {
			t.Fatal(err)
		}
		if told := tracked(t, m, 5, Result{Status: "completed", Model: model}); told != "" {
			b, _ := os.ReadFile(log.Name())
			t.Fatalf("%s\n%s", told, b)
		}
	}
	const script = `
import sys, json, mlflow
c = mlflow.MlflowClient(sys.argv[1])
runs = c.search_runs([c.get_experiment_by_name("ours").experiment_id])
r = runs[0]
print(json.dumps({"runs": len(runs), "status": r.info.status, "params": r.data.params, "tags": r.data.tags, "name": r.info.run_name,
  "loss": [[m.step, m.value] for m in c.get_metric_history(r.info.run_id, "loss")],
  "artifacts": [a.path for a in c.list_artifacts(r.info.run_id, "model")]}))`
	c := exec.Command(python, "-c", script, uri)
	c.Dir = dir
	b, err := c.Output()
	if err != nil {
		t.Fatalf("%v %s", err, b)
	}
	var got struct {
		Runs         int
		Status, Name string
		Params, Tags map[string]string
		Loss         [][2]float64
		Artifacts    []string
	}
	if err := json.Unmarshal(b[strings.LastIndex(strings.TrimSpace(string(b)), "\n")+1:], &got); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if got.Runs != 2 || got.Status != "FINISHED" || got.Params["optimizer"] != "adam" || got.Tags["gopherpod.run_id"] != sample.ID || got.Tags["paper"] != "true" ||
		len(got.Loss) != 5 || got.Loss[4] != [2]float64{5, 0.2} || len(got.Artifacts) != 1 || got.Artifacts[0] != "model/model.safetensors" {
		t.Errorf("%+v", got)
	}
}

// told is a tracker that records its calls.
type told struct {
	run    Run
	result Result
}

func (t *told) Begin(_ context.Context, r Run) error         { t.run = r; return nil }
func (t *told) Epochs(context.Context, []worker.Epoch) error { return nil }
func (t *told) End(_ context.Context, r Result) error        { t.result = r; return nil }

// Trackers get no secrets in tags, parameters and errors.
func TestRedacted(t *testing.T) {
	var got told
	r := Run{Title: "CANARY", Tags: []string{"a CANARY"}, Params: map[string]string{"CANARY": "CANARY"}}
	tracker := Redacted(&got, func(s string) string { return strings.ReplaceAll(s, "CANARY", "***") })
	if err := errors.Join(tracker.Begin(t.Context(), r), tracker.End(t.Context(), Result{Error: "no CANARY"})); err != nil {
		t.Fatal(err)
	}
	if got.run.Title != "***" || got.run.Tags[0] != "a ***" || got.run.Params["***"] != "***" || len(got.run.Params) != 1 || got.result.Error != "no ***" || r.Tags[0] != "a CANARY" {
		t.Errorf("%+v", got)
	}
}
