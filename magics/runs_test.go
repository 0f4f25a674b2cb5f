package magics

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// kept gives the session a run store as the kernel does.
func kept(t testing.TB) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "runs.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := runs.Serve(func() (runs.Store, error) { return store, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); store.Close() })
	t.Setenv(runs.EnvURL, server.URL)
	t.Setenv(runs.EnvKey, server.Key)
	return store
}

func TestRunsAndHistory(t *testing.T) {
	vars := session(t)
	embedded(t)
	store := kept(t)
	if out, err := run(t, "runpod_runs", "", "", vars, false); err != nil || !strings.Contains(out.text(), "0 runs") {
		t.Errorf("%v, %s", err, out.text())
	}
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --val-split 0.1 --epochs 4 --seed 7 --tag paper -q", digitsNet, vars, false); err != nil {
		t.Fatal(err)
	}
	v, _ := vars.Lookup("model")
	model := v.Interface().(*train.Model)
	r, err := store.Get(t.Context(), model.RunID)
	if err != nil || r.State != runs.Completed || r.Epochs != 4 || r.Planned != 4 || r.Job != string(model.JobID) || r.Loss == 0 || r.Score == 0 || !strings.HasPrefix(r.Source, "%%runpod_train -d") {
		t.Errorf("%+v, %v", r, err)
	}
	var record train.Record
	if err := json.Unmarshal(r.Record, &record); err != nil || len(record.Data) != 2 || record.Last == nil || record.Parameters != model.Parameters {
		t.Errorf("%s, %v", r.Record, err)
	}
	out, err := run(t, "runpod_runs", "--tag paper", "", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 run", model.RunID, "completed (paper)", "linear, relu, dropout, linear"} {
		if !strings.Contains(out.text(), want) {
			t.Errorf("no %q in\n%s", want, out.text())
		}
	}
	for _, name := range []string{"model", "last", model.RunID[:6]} {
		out, err := run(t, "runpod_history", name, "", vars, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"run " + model.RunID + ", completed", "Training loss ", "over 4 epochs", "job " + string(model.JobID)} {
			if !strings.Contains(out.text(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, out.text())
			}
		}
	}
	for args, want := range map[string]string{"": "which run?", "ffffff": "no run begins with ffffff"} {
		if _, err := run(t, "runpod_history", args, "", vars, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, err := run(t, "runpod_runs", "--state opne", "", vars, false); err == nil || !strings.Contains(err.Error(), "open") {
		t.Error(err)
	}
}

// TestFailedRun: a run whose job failed is kept with the reason.
func TestFailedRun(t *testing.T) {
	vars := session(t)
	embedded(t)
	store := kept(t)
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 40 --optimizer sgd --lr 1e30 -q", digitsNet, vars, false); err == nil {
		t.Fatal("a training that diverges passes")
	}
	list, _, err := store.List(t.Context(), runs.Filter{State: runs.Failed})
	if err != nil || len(list) != 1 || list[0].Error == "" || list[0].Job == "" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestStoreGone: without its store a training goes on, and says so.
func TestStoreGone(t *testing.T) {
	vars := session(t)
	embedded(t)
	t.Setenv(runs.EnvURL, "http://127.0.0.1:1")
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1", digitsNet, vars, false)
	if err != nil || strings.Count(out.text(), "the run is not in the run store") != 1 {
		t.Errorf("%v\n%s", err, out.text())
	}
}
