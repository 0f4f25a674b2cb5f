package train_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/worker/local"
)

const adaHour = 1.116 // what the catalogue of the local endpoint says about ADA_24

// paid starts an endpoint whose workers take 30 s to start, 10 s for an epoch, and stay up for
// 15 s, and a run store.
func paid(t *testing.T, faults ...local.Fault) (*runpod.Endpoint, runs.Store) {
	t.Helper()
	t.Chdir(t.TempDir()) // has no .env
	for _, name := range []string{budget.EnvDay, budget.EnvNotebook, budget.EnvHour} {
		t.Setenv(name, "")
	}
	f := &traintest.Worker{Each: func(ctx context.Context, epoch int) error {
		select {
		case <-time.After(10 * time.Second):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
	_, e := traintest.InMemory(t, local.Options{
		Handler: f.Handle, PricePerHour: adaHour, Faults: faults, Scaling: &local.Scaling{Max: 2, ColdStart: 30 * time.Second, IdleTimeout: 15 * time.Second},
	})
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "runs.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return e, store
}

// billed returns what the endpoint's management API has billed.
func billed(t *testing.T, e *runpod.Endpoint) float64 {
	t.Helper()
	now := time.Now()
	list, err := e.Client().Management().Billing(t.Context(), runpod.BillingQuery{Start: now.AddDate(0, 0, -2), End: now, Bucket: "day", Endpoint: e.ID})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, r := range list {
		sum += r.TotalAmount
	}
	return sum
}

func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

// A bill has the start of the worker and its idle time, as the service bills them.
func TestBillIsWhatTheServiceBills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, store := paid(t)
		X, y := traintest.Blobs(30)
		fit := func() *train.Model {
			m, err := train.Fit(t.Context(), train.Layers("linear 3"), train.Data{X: X, Y: y}, train.Options{Endpoint: e, Runs: store, Epochs: 2})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		cold := fit()
		b := cold.Receipt.Bill
		if b == nil || !near(b.Start, 30, 0.1) || !near(b.Execution, 20, 0.1) || b.Idle != 15 || b.Estimated {
			t.Fatalf("%+v", b)
		}
		time.Sleep(time.Minute) // the worker has stopped
		if got := billed(t, e); !near(got, b.Dollars, 2*adaHour/3600) {
			t.Errorf("the service bills %v, the receipt has %v", got, b.Dollars)
		}
		again := fit()
		warm := fit() // the worker is still up
		if w := warm.Receipt.Bill; w.Start != 0 || !near(w.Execution, 20, 0.1) {
			t.Errorf("%+v", w)
		}
		r, err := store.Get(t.Context(), again.RunID)
		if err != nil || !near(r.Start, 30, 0.1) || r.Idle != 15 || r.Dollars != again.Receipt.Bill.Dollars {
			t.Errorf("%+v, %v", r, err)
		}
		if sum, err := store.Spent(t.Context(), runs.Budget{Most: 1}); err != nil || sum.Open != 0 || !near(sum.Settled, 2*b.Dollars+warm.Receipt.Bill.Dollars, 1e-3) {
			t.Errorf("%+v, %v", sum, err)
		}
	})
}

// A run that may pass a limit is not sent, and not kept.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, store := paid(t)
		server := t.Context()
		X, y := traintest.Blobs(30)
		data := train.Data{X: X, Y: y}
		o := train.Options{Endpoint: e, Runs: store, Epochs: 2, Policy: runpod.Policy{ExecutionTimeout: time.Minute}}
		begin := time.Now()
		m, err := train.Fit(server, train.Layers("linear 3"), data, o)
		if err != nil {
			t.Fatal(err)
		}
		spent := m.Receipt.Bill.Dollars
		most := (60.0 + 60 + 15) * adaHour / 3600 // start, minute, idle time
		before, _ := e.Health(server)
		for _, c := range []struct {
			limit, value, want string
		}{
			{budget.EnvDay, "0", "it is 0"},
			{budget.EnvDay, dollars(spent + most/2), "may cost $0.041"},
			{budget.EnvHour, "1", "workers cost $1.12 an hour, and $1.00 is the most"},
			{budget.EnvDay, "two", "want an amount of dollars"},
		} {
			t.Setenv(c.limit, c.value)
			_, err := train.Fit(server, train.Layers("linear 3"), data, o)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.limit) {
				t.Errorf("%s=%s: %v", c.limit, c.value, err)
			}
			if c.value != "two" && !errors.Is(err, budget.ErrRefused) {
				t.Errorf("%v is not ErrRefused", err)
			}
			t.Setenv(c.limit, "")
		}
		if after, _ := e.Health(server); after.Jobs != before.Jobs {
			t.Errorf("%+v, then %+v: a refused run was sent", before.Jobs, after.Jobs)
		}
		if list, all, _ := store.List(server, runs.Filter{}); all != 1 {
			t.Errorf("%v: a refused run is in the store", list)
		}
		t.Setenv(budget.EnvDay, dollars(spent+most))
		if _, err := train.Fit(server, train.Layers("linear 3"), data, o); err != nil {
			t.Errorf("what is left is enough: %v", err)
		}
		time.Sleep(24*time.Hour - time.Since(begin)%(24*time.Hour)) // another day
		if _, err := train.Fit(server, train.Layers("linear 3"), data, o); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

func dollars(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// Everything that runs jobs counts: trainings, evaluations, predictions, batches, sweeps' trials.
func TestBudgetOfOtherJobs(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{budget.EnvDay, budget.EnvNotebook, budget.EnvHour} {
		t.Setenv(name, "")
	}
	s, _ := traintest.Start(t, local.Options{Handler: (&traintest.Worker{}).Handle, Scaling: &local.Scaling{Max: 1}})
	client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), ManagementURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
	if err != nil {
		t.Fatal(err)
	}
	e := client.Endpoint("local")
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
	t.Setenv(runs.EnvURL, server.URL)
	t.Setenv(runs.EnvKey, server.Key)

	X, y := traintest.Blobs(30)
	data := train.Data{X: X, Y: y}
	m, err := train.Fit(t.Context(), train.Layers("linear 3"), data, train.Options{Endpoint: e, Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	jobs := map[string]func() error{
		"train": func() error {
			_, err := train.Fit(t.Context(), train.Layers("linear 3"), data, train.Options{Endpoint: e})
			return err
		},
		"evaluate": func() error { _, err := m.Evaluate(X, y); return err },
		"predict":  func() error { _, err := m.Predict(X); return err },
		"batch": func() error {
			var b train.Batch
			b.Evaluate(m, data)
			return b.Run(t.Context())
		},
		"gpu info": func() error { _, err := train.GPUInfo(t.Context(), e); return err },
		"collect":  func() error { _, err := train.Collect(t.Context(), e, m.RunID, nil); return err },
	}
	for kind, send := range jobs {
		count := func() (settled float64) {
			sum, err := file.Spent(t.Context(), runs.Budget{})
			if err != nil || sum.Open != 0 {
				t.Errorf("%s: %+v, %v", kind, sum, err)
			}
			return sum.Settled
		}
		before := count()
		t.Setenv(budget.EnvDay, "0")
		if err := send(); !errors.Is(err, budget.ErrRefused) {
			t.Errorf("%s: %v with a budget of 0", kind, err)
		}
		if after := count(); after != before {
			t.Errorf("%s: $%v and then $%v, though nothing was sent", kind, before, after)
		}
		t.Setenv(budget.EnvDay, "100")
		if err := send(); errors.Is(err, budget.ErrRefused) {
			t.Errorf("%s: %v with a budget of $100", kind, err)
		}
		if after := count(); after <= before {
			t.Errorf("%s: $%v and then $%v: it does not count", kind, before, after)
		}
	}
	// Without a run store, nobody knows what was spent.
	t.Setenv(runs.EnvURL, "")
	if _, err := m.Predict(X); !errors.Is(err, budget.ErrRefused) || !strings.Contains(err.Error(), "there is no run store") {
		t.Error(err)
	}
}

// A run whose process has died keeps its reservation until another process follows it to its end.
func TestBillOfAnAttachedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, store := paid(t)
		X, y := traintest.Blobs(30)
		rate, err := train.FindRate(t.Context(), train.Place{Endpoint: e, Managed: true}, "")
		if err != nil {
			t.Fatal(err)
		}
		o := train.Options{Endpoint: e, Runs: store, Rate: rate, Epochs: 2, Policy: runpod.Policy{ExecutionTimeout: time.Minute}}
		p, err := train.Prepare(train.Layers("linear 3"), train.Data{X: X, Y: y}, o)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan *train.Model, 1)
		go func() {
			m, _ := p.Run(t.Context())
			done <- m
		}()
		time.Sleep(45 * time.Second) // the process that began the run goes on, as if it were another one
		r, err := store.Get(t.Context(), p.RunID)
		if err != nil {
			t.Fatal(err)
		}
		most := (60.0 + 60 + 15) * adaHour / 3600
		if sum, err := store.Spent(t.Context(), runs.Budget{}); err != nil || !near(sum.Open, most, 1e-4) || sum.Jobs != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
		m, err := train.Attach(t.Context(), r, train.Options{Endpoint: e, Runs: store})
		if err != nil {
			t.Fatal(err)
		}
		<-done
		if b := m.Receipt.Bill; b == nil || !near(b.Start, 30, 0.1) || !near(b.Execution, 20, 0.1) || b.Idle != 15 {
			t.Errorf("%+v", b)
		}
		if sum, err := store.Spent(t.Context(), runs.Budget{}); err != nil || sum.Open != 0 || !near(sum.Settled, m.Receipt.Bill.Dollars, 1e-9) {
			t.Errorf("%+v, %v", sum, err)
		}
	})
}

// A job that may have been accepted keeps its reservation, because it may run and be billed. A
// job that was cancelled in the queue costs nothing.
func TestBillOfJobsWithoutWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, store := paid(t, local.Fault{Kind: local.FaultStatus, Op: "run", Status: 502, After: true, Skip: 1})
		t.Setenv(budget.EnvDay, "10") // otherwise nothing is reserved
		X, y := traintest.Blobs(30)
		spent := func() runs.Spending {
			sum, err := store.Spent(t.Context(), runs.Budget{Most: 1})
			if err != nil {
				t.Fatal(err)
			}
			return sum
		}
		o := train.Options{Endpoint: e, Runs: store, Epochs: 1, Policy: runpod.Policy{ExecutionTimeout: time.Minute, QueueTimeout: 5 * time.Second}}
		if _, err := train.Fit(t.Context(), train.Layers("linear 3"), train.Data{X: X, Y: y}, o); !errors.Is(err, runpod.ErrQueueTimeout) {
			t.Fatal(err)
		}
		if sum := spent(); sum.Open != 0 || sum.Settled != 0 {
			t.Errorf("cancelled in the queue: %+v", sum)
		}
		if _, err := train.Fit(t.Context(), train.Layers("linear 3"), train.Data{X: X, Y: y}, o); !errors.Is(err, runpod.ErrUnknownOutcome) {
			t.Fatal(err)
		}
		if sum := spent(); !near(sum.Open, (60+60+15)*adaHour/3600, 1e-6) || sum.Settled != 0 {
			t.Errorf("in doubt: %+v", sum)
		}
	})
}
