package magics

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// paid starts an endpoint with a management API and prices, as RunPod is, and a run store.
func paid(t *testing.T) {
	t.Helper()
	s, err := local.Start(context.Background(), local.Options{Handler: engine.Handler(engine.Options{}), PricePerHour: 1.116, Scaling: &local.Scaling{Max: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Chdir(t.TempDir()) // has no .env
	file, err := sqlite.Open(filepath.Join(t.TempDir(), "runs.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	server, err := runs.Serve(func() (runs.Store, error) { return file, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	for name, value := range map[string]string{
		"RUNPOD_ENDPOINT_BASE_URL": s.BaseURL(), "RUNPOD_MANAGEMENT_URL": s.BaseURL(), "RUNPOD_ENDPOINT_ID": s.EndpointID(), "RUNPOD_API_KEY": s.Key(),
		runs.EnvURL: server.URL, runs.EnvKey: server.Key, budget.EnvDay: "", budget.EnvNotebook: "", budget.EnvHour: "",
		train.EnvLocalURL: "", train.EnvLocalKey: "",
	} {
		t.Setenv(name, value)
	}
}

// A notebook's budget refuses what may pass it before it is sent, and says what is left.
func TestNotebookBudget(t *testing.T) {
	vars := session(t)
	paid(t)
	const line = "-d Xtrain,ytrain --epochs 2 --seed 1 --timeout 1m"
	out, err := run(t, "runpod_train", line, digitsNet, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"at $0.00031 a second on ADA_24 (catalogue)", " for start ", " that the worker stays up"} {
		if !strings.Contains(out.stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, out.stdout.String())
		}
	}
	v, _ := vars.Lookup("model")
	bill := v.Interface().(*train.Model).Receipt.Bill
	if bill == nil || bill.Idle != 10 || bill.Execution == 0 || bill.Dollars < 0.0033 || bill.Pool != "ADA_24" {
		t.Errorf("%+v", bill)
	}
	if out, err = run(t, "runpod_cost", "--budget 0.03", "", vars, false); err != nil {
		t.Fatal(err)
	}
	if text := out.text(); !strings.Contains(text, "RUNPOD_BUDGET_NOTEBOOK") || !strings.Contains(text, "$0.0300") {
		t.Errorf("%s", text)
	}
	_, err = run(t, "runpod_train", line, digitsNet, vars, false)
	if err == nil || !errors.Is(err, budget.ErrRefused) || !strings.HasPrefix(err.Error(), "not sent: RUNPOD_BUDGET_NOTEBOOK: it may cost $0.0403, and $0.0") ||
		!strings.Contains(err.Error(), "; --max-cost 0.0") || !strings.Contains(err.Error(), " would fit, or raise RUNPOD_BUDGET_NOTEBOOK") {
		t.Errorf("%v", err)
	}
	// What the error proposes does fit.
	proposed := strings.Fields(err.Error()[strings.Index(err.Error(), "--max-cost"):])[1]
	if _, err = run(t, "runpod_train", "-d Xtrain,ytrain --epochs 2 --seed 1 --max-cost "+proposed, digitsNet, vars, false); err != nil {
		t.Errorf("--max-cost %s: %v", proposed, err)
	}
	if _, err := run(t, "runpod_cost", "--budget 0", "", vars, false); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string]string{
		"runpod_eval": "model -d Xtest,ytest", "runpod_predict": "model -d Xtest", "runpod_gpu": "",
		"runpod_sweep": "lr=log(1e-4,1e-1) -d Xtrain,ytrain --trials 2",
	} {
		if _, err := run(t, name, args, digitsNet, vars, false); !errors.Is(err, budget.ErrRefused) || !strings.Contains(err.Error(), "it is 0, so nothing that is paid may be sent; %env RUNPOD_BUDGET_NOTEBOOK=2.50 allows something") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for value, want := range map[string]string{
		"0":      "it is 0, so nothing that is paid may be sent; RUNPOD_BUDGET_DAY=2.50 would allow something",
		"0.0001": "are left; that is too little for any job: raise RUNPOD_BUDGET_DAY",
	} {
		t.Setenv(budget.EnvDay, value)
		t.Setenv(budget.EnvNotebook, "")
		if _, err := run(t, "runpod_eval", "model -d Xtest,ytest", digitsNet, vars, false); !errors.Is(err, budget.ErrRefused) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "%env") {
			t.Errorf("%s of %s: %v", budget.EnvDay, value, err)
		}
	}
	t.Setenv(budget.EnvDay, "")
	t.Setenv(budget.EnvNotebook, "0")
	if _, err := run(t, "runpod_cost", "--budget off --max-per-hour 1", "", vars, false); err != nil || os.Getenv(budget.EnvNotebook) != "" {
		t.Errorf("%v, %s", err, os.Getenv(budget.EnvNotebook))
	}
	if _, err := run(t, "runpod_train", line, digitsNet, vars, false); err == nil || !strings.Contains(err.Error(), "RUNPOD_MAX_PER_HOUR: workers cost $1.12 an hour, and $1.00 is the most") {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"--budget two", "--max-per-hour -1"} {
		if _, err := run(t, "runpod_cost", bad, "", vars, false); err == nil || !strings.Contains(err.Error(), "want an amount of dollars from 0") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// The receipt's bill is in the run store, so %runpod_history and %runpod_cost have it.
func TestBillIsKept(t *testing.T) {
	vars := session(t)
	paid(t)
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1 --seed 1", digitsNet, vars, false); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "runpod_eval", "model -d Xtest,ytest", "", vars, false); err != nil {
		t.Fatal(err)
	}
	list, _, err := runs.FromEnv().List(t.Context(), runs.Filter{})
	if err != nil || len(list) != 1 || list[0].Idle != 10 {
		t.Fatalf("%+v, %v", list, err)
	}
	r, err := runs.FromEnv().Get(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var record train.Record
	if err := json.Unmarshal(r.Record, &record); err != nil || record.Bill == nil || record.Bill.Dollars != list[0].Dollars {
		t.Errorf("%+v, %v", record.Bill, err)
	}
	out, err := run(t, "runpod_cost", "", "", vars, false)
	if err != nil || !strings.Contains(out.text(), "other jobs") {
		t.Errorf("%v\n%s", err, out.text())
	}
}

// The ticker counts the worker's start and the time that it will stay up.
func TestTicker(t *testing.T) {
	rate := train.Rate{Pool: "ADA_24", GPUs: 1, Hourly: 3.6, Start: 40 * time.Second, Idle: 10 * time.Second} // a tenth of a cent a second
	begin := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		waited time.Duration
		want   float64
	}{
		{150 * time.Millisecond, 0.030}, {25 * time.Second, 0.055}, {3 * time.Minute, 0.070}, // at most Start: the rest was for a place in the queue
	} {
		l := &live{rate: rate, queued: begin, first: begin.Add(c.waited)}
		if got := l.cost(l.first.Add(20 * time.Second)); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("after waiting %v: $%v, want $%v", c.waited, got, c.want)
		}
	}
	l := &live{rate: rate, warm: func() string { return "" }}
	l.event(train.Event{Status: runpod.StatusInQueue})
	l.event(train.Event{JobID: "j", Event: worker.Event{Type: worker.EventBatch}})
	if l.queued.IsZero() || l.first.Before(l.queued) {
		t.Errorf("queued %v, first %v", l.queued, l.first)
	}
}

// A warm worker's cost is shown before, while it is up, and after; a budget refuses it.
func TestWarm(t *testing.T) {
	paid(t)
	var m magic.Magic
	for _, each := range All() {
		if each.Name() == "runpod_status" {
			m = each
		}
	}
	status := func(args string) (string, error) {
		out := &recorder{}
		err := m.Run(t.Context(), &magic.Call{Name: "runpod_status", Args: args, Vars: newVars(nil), Out: out})
		return out.text() + out.stdout.String(), err
	}
	if text, err := status("--warm 30m"); err != nil || !strings.Contains(text, "a worker is kept up for 30m, for $1.12 an hour, $0.58 in all at most") || !strings.Contains(text, "RunPod stops a worker that gets no job for 10 s") {
		t.Errorf("%v\n%s", err, text)
	}
	if text, _ := status(""); !strings.Contains(text, "a warm worker ") || !strings.Contains(text, ", for $1.12 an hour; $0.0") {
		t.Errorf("%s", text)
	}
	if text, err := status("--warm off"); err != nil || !strings.Contains(text, "the worker is let go") {
		t.Errorf("%v\n%s", err, text)
	}
	spent, err := runs.FromEnv().Spent(t.Context(), runs.Budget{})
	if err != nil || spent.Open != 0 || spent.Settled == 0 {
		t.Errorf("%+v, %v", spent, err)
	}
	t.Setenv(budget.EnvDay, "0.2")
	if _, err := status("--warm 30m"); !errors.Is(err, budget.ErrRefused) || !strings.Contains(err.Error(), "RUNPOD_BUDGET_DAY: it may cost $0.58") {
		t.Error(err)
	}
	for args, want := range map[string]string{"--warm off": "keeps no worker up", "--warm 1": "want a time from 1m to 12h", "--warm 20h": "want a time from 1m to 12h", "--warm 1m model": "not to model"} {
		if _, err := status(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// The dry run says what the run would cost on its GPU and on the cheapest one.
func TestDryRunForecast(t *testing.T) {
	vars := session(t)
	paid(t)
	for n := range 3 { // on a worker like RunPod's
		r := runs.Run{ID: "past-run-" + strconv.Itoa(n), State: runs.Completed, Created: time.Now(), GPU: "ADA_24", FLOPs: 1e8, Steps: 200, Seconds: 20, Billed: 24}
		if err := runs.FromEnv().Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --dry-run --epochs 20 --seed 1", digitsNet, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	squeezed := regexp.MustCompile(` +`).ReplaceAllString(out.text(), " ")
	for _, want := range []string{"forecast on ADA_24 about $0.0", "; measured on 3 runs on ADA_24", "start and idle time of a worker up to ", "cheapest GPU "} {
		if !strings.Contains(squeezed, want) {
			t.Errorf("no %q in\n%s", want, out.text())
		}
	}
	out, err = run(t, "runpod_sweep", "lr=log(1e-4,1e-1) -d Xtrain,ytrain --dry-run --trials 5 --seed 1", digitsNet, vars, false)
	if err != nil || !strings.Contains(out.text(), "forecast on ADA_24") {
		t.Errorf("%v\n%s", err, out.text())
	}
	t.Log(squeezed)
}
