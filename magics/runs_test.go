package magics

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/kernel/magic"
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
	r.ID = "pruned-" + r.ID // the store has removed its events
	if err := store.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "runpod_history", "pruned", "", vars, false); err != nil || !strings.Contains(out.text(), "its epochs are no longer kept") {
		t.Errorf("%v\n%s", err, out.text())
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

// TestStoreGone: a training without its store continues, and says so.
func TestStoreGone(t *testing.T) {
	vars := session(t)
	embedded(t)
	t.Setenv(runs.EnvURL, "http://127.0.0.1:1")
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1", digitsNet, vars, false)
	if err != nil || strings.Count(out.text(), "the run is not in the run store") != 1 {
		t.Errorf("%v\n%s", err, out.text())
	}
}

// TestNoBlock: the cell ends immediately, the run is still drawn, and the variable
// is set at its end.
func TestNoBlock(t *testing.T) {
	vars := session(t)
	embedded(t)
	store := kept(t)
	done := make(chan string, 100)
	out := &recorder{onDisplay: func(s shown) {
		if text, _ := s.data["text/plain"].(string); strings.Contains(text, "model: trained in ") {
			done <- text
		}
	}}
	call := &magic.Call{Name: "runpod_train", Args: "-d Xtrain,ytrain --epochs 5 --seed 7 --noblock", Body: digitsNet, Cell: true, Vars: vars, Out: out}
	if err := find(t, "runpod_train").Run(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if _, all, err := store.List(t.Context(), runs.Filter{}); err != nil || all != 1 {
		t.Errorf("%d runs in the store when the cell has ended; %v", all, err)
	}
	if !strings.Contains(out.stdout.String(), "goes on behind the cell; model is filled when it ends") {
		t.Error(out.stdout.String())
	}
	if strings.Contains(out.stdout.String(), "trained in") {
		t.Error("the cell waited")
	}
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the run does not end")
	}
	v, _ := vars.Lookup("model")
	if m := v.Interface().(*train.Model); !m.HasWeights() || m.Epochs != 5 {
		t.Errorf("%v", m)
	}
	if list, _, err := store.List(t.Context(), runs.Filter{State: runs.Completed}); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

// reopen writes a run as it is given. A store does not open a run again that has ended, but
// with another job.
func reopen(t *testing.T, store runs.Store, r runs.Run) {
	t.Helper()
	other := r
	other.State, other.Job = runs.Open, r.Job+"-before"
	for _, r := range []runs.Run{other, r} {
		if err := store.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAttach follows a run whose process has died, and one that is over.
func TestAttach(t *testing.T) {
	vars := session(t)
	embedded(t)
	store := kept(t)
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 3 --seed 7 -q", digitsNet, vars, false); err != nil {
		t.Fatal(err)
	}
	v, _ := vars.Lookup("model")
	first := v.Interface().(*train.Model)
	// As if the kernel had been killed after the submission.
	r, err := store.Get(t.Context(), first.RunID)
	if err != nil {
		t.Fatal(err)
	}
	r.State, r.Epochs = runs.Open, 0
	reopen(t, store, r)
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1 -q -o other", digitsNet, vars, false)
	if err != nil || !strings.Contains(out.stderr.String(), "still open from before: run "+r.ID[:8]) {
		t.Errorf("%v, %q", err, out.stderr.String())
	}
	out, err = run(t, "runpod_attach", r.ID[:8]+" -o found", "", vars, false)
	if err != nil {
		t.Fatal(err, out.text())
	}
	if !strings.Contains(out.text(), "over 3 epochs") {
		t.Error(out.text())
	}
	v, ok := vars.Lookup("found")
	if !ok {
		t.Fatal("no variable")
	}
	found := v.Interface().(*train.Model)
	if !found.HasWeights() || found.History.Len() != 3 || found.History.Loss[2] != first.History.Loss[2] || found.Receipt.Data[0].SHA256 != first.Receipt.Data[0].SHA256 {
		t.Errorf("%v", found)
	}
	if r, err := store.Get(t.Context(), r.ID); err != nil || r.State != runs.Completed || r.Epochs != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	// Its data are still being sent: there is no job yet.
	whole := r
	r.Job, r.State = "", runs.Open
	if err := store.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() {
		whole.State = runs.Open
		store.Put(context.Background(), whole)
	})
	if out, err = run(t, "runpod_attach", r.ID[:8]+" -o waited", "", vars, false); err != nil || !strings.Contains(out.text(), "over 3 epochs") {
		t.Fatal(err, out.text())
	}
	if r, err := store.Get(t.Context(), r.ID); err != nil || r.State != runs.Completed || r.Job != whole.Job {
		t.Errorf("%+v, %v", r, err)
	}
	// Reading does not change the run: if the endpoint has forgotten the job or
	// refuses the key, that says nothing about how the run ended.
	for state, want := range map[runs.State]runs.State{runs.Completed: runs.Completed, runs.Open: runs.Open, runs.Interrupted: runs.Interrupted} {
		forgotten := whole
		forgotten.ID, forgotten.Job, forgotten.State = "feedfacefeedface", "no-such-job", state
		reopen(t, store, forgotten)
		for _, key := range []string{"", "wrong"} {
			if key != "" {
				t.Setenv("GOPHERPOD_LOCAL_KEY", key)
			}
			_, attached := run(t, "runpod_attach", "feedface -o nothing", "", vars, false)
			if r, err := store.Get(t.Context(), forgotten.ID); err != nil || r.State != want || r.Error != "" {
				t.Errorf("%s run, key %q: %s %q (%v); attach: %v", state, key, r.State, r.Error, err, attached)
			}
			if key != "" && (attached == nil || !strings.Contains(attached.Error(), "refuses the key")) {
				t.Errorf("a refused key: %v", attached)
			}
		}
	}
	forgotten := whole
	forgotten.ID, forgotten.State = "feedfacefeedface", runs.Completed // is no longer open
	if err := store.Put(t.Context(), forgotten); err != nil {
		t.Fatal(err)
	}
	// The endpoint is gone together with its kernel.
	r.Address = "http://127.0.0.1:1/v2"
	if err := store.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	open, err := train.Lost(t.Context(), store)
	if r, _ := store.Get(t.Context(), r.ID); err != nil || len(open) != 0 || r.State != runs.Failed || r.Record == nil {
		t.Errorf("%v, %v, %+v", open, err, r)
	}
}

func TestRepro(t *testing.T) {
	vars := session(t)
	embedded(t)
	kept(t)
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --val-split 0.2 --epochs 3 -q", digitsNet, vars, false); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "runpod_repro", "model", "", vars, false)
	if err != nil || !strings.Contains(out.text(), "Repeated: every loss is the same to the last bit") {
		t.Errorf("%v\n%s", err, out.text())
	}
	v, _ := vars.Lookup("Xtest")
	X := mat.NewDense(600, 64, nil)
	X.Slice(0, 200, 0, 64).(*mat.Dense).Copy(v.Interface().(*mat.Dense))
	vars.Define("Xtrain", X)
	if _, err := run(t, "runpod_repro", "model", "", vars, false); err == nil || !strings.Contains(err.Error(), "Xtrain is not what it was") {
		t.Error(err)
	}
}

func TestLogsConfigCost(t *testing.T) {
	vars := session(t)
	embedded(t)
	kept(t)
	t.Setenv("RUNPOD_S3_SECRET_ACCESS_KEY", "rps_verysecret")
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 2 -q", digitsNet, vars, false); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "runpod_logs", "last", "", vars, false)
	if err != nil || !strings.Contains(out.text(), "epoch 2/2") || !strings.Contains(out.text(), "completed") {
		t.Errorf("%v\n%s", err, out.text())
	}
	out, err = run(t, "runpod_config", "", "", vars, false)
	if err != nil || !strings.Contains(out.text(), "***") || strings.Contains(out.text(), "verysecret") || !strings.Contains(out.text(), "1 run") {
		t.Errorf("%v\n%s", err, out.text())
	}
	for _, by := range runs.Groupings() {
		out, err = run(t, "runpod_cost", "--by "+by, "", vars, false)
		if err != nil || !strings.Contains(out.text(), "it costs nothing") || !strings.Contains(out.text(), "by "+by) {
			t.Errorf("%v\n%s", err, out.text())
		}
	}
}

func TestCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	const nb = `{"cells":[{"cell_type":"code","execution_count":1,"metadata":{},"outputs":[],"source":"k := \"rpa_ABCDEFGHIJ0123456789ABCD\""}],"metadata":{},"nbformat":4,"nbformat_minor":5}`
	if err := os.WriteFile("a.ipynb", []byte(nb), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "runpod_check", "a.ipynb", "", newVars(nil), false)
	if err == nil || !strings.Contains(out.text(), "a.ipynb: cell 1, source, line 1: secret") || strings.Contains(out.text(), "rpa_") {
		t.Errorf("%v, %s", err, out.text())
	}
}

// A run of an earlier version, which set an option without effect and where 0 meant the
// default, is repeated as it was, and a line says what had no effect.
func TestReproOfAnEarlierVersion(t *testing.T) {
	vars := session(t)
	embedded(t)
	kept(t)
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --optimizer adamw --epochs 2 --seed 4 -q", digitsNet, vars, false); err != nil {
		t.Fatal(err)
	}
	store, err := runStore()
	if err != nil {
		t.Fatal(err)
	}
	id := held[*train.Model](t, vars, "model").RunID
	r, err := store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var record train.Record
	if err := json.Unmarshal(r.Record, &record); err != nil {
		t.Fatal(err)
	}
	record.Hyperparameters.Momentum = 0.9
	if r.Record, err = json.Marshal(record); err != nil {
		t.Fatal(err)
	}
	r.Source = strings.Replace(r.Source, "--epochs", "--momentum 0.9 --weight-decay 0 --epochs", 1)
	if err := store.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "runpod_repro", id[:8], "", vars, false)
	if err != nil || !strings.Contains(out.text(), "Repeated: every loss is the same to the last bit") {
		t.Errorf("%v\n%s", err, out.text())
	}
	if want := "the earlier run set an option without effect, which this one leaves out: momentum: adamw does not use it; sgd and rmsprop do\n"; out.stderr.String() != want {
		t.Errorf("%q, want %q", out.stderr.String(), want)
	}
}
