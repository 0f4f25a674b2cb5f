package warm_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/runpod/warm"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

const hourly = 1.116

// serve starts an endpoint whose workers take 30 s to start and stay up for 10 s, and whose jobs
// take as long as their input says.
func serve(t *testing.T) (*runpod.Endpoint, runs.Store) {
	t.Helper()
	t.Chdir(t.TempDir()) // has no .env
	for _, name := range []string{budget.EnvDay, budget.EnvNotebook, budget.EnvHour} {
		t.Setenv(name, "")
	}
	handle := func(ctx context.Context, job worker.Job, _ func(json.RawMessage) error) (json.RawMessage, error) {
		var in struct{ Seconds int }
		if err := json.Unmarshal(job.Input, &in); err != nil {
			return nil, err
		}
		select {
		case <-time.After(time.Duration(in.Seconds) * time.Second):
		case <-ctx.Done():
		}
		return json.RawMessage(`{}`), nil
	}
	_, e := traintest.InMemory(t, local.Options{Handler: handle, PricePerHour: hourly, Scaling: &local.Scaling{Max: 3, ColdStart: 30 * time.Second, IdleTimeout: 10 * time.Second}})
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "runs.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return e, store
}

func workers(t *testing.T, e *runpod.Endpoint) int {
	t.Helper()
	list, err := e.Client().Management().Workers(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return list.Summary.Total
}

func billed(t *testing.T, e *runpod.Endpoint) (sum float64) {
	t.Helper()
	now := time.Now()
	list, err := e.Client().Management().Billing(t.Context(), runpod.BillingQuery{Start: now.AddDate(0, 0, -2), End: now, Bucket: "day"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		sum += r.TotalAmount
	}
	return sum
}

// One worker stays up, also beside a long job, and stops after Stop.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, store := serve(t)
		k, err := warm.Keep(t.Context(), e, warm.Options{For: 2 * time.Hour, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := k.State(); !s.Up || s.Over || s.Hour < 1.115 || s.Dollars < hourly/61 || s.Dollars > hourly/59 {
			t.Errorf("%+v", s)
		}
		for range 3 {
			time.Sleep(20 * time.Minute)
			if n := workers(t, e); n != 1 {
				t.Fatalf("%d workers are up", n)
			}
			job, err := e.Call(t.Context(), runpod.Request{Input: map[string]int{"seconds": 300}})
			if err != nil || job.Delay > time.Second {
				t.Errorf("a job waited %v for the worker: %v", job.Delay, err)
			}
			if n := workers(t, e); n != 1 {
				t.Fatalf("%d workers are up after a job", n)
			}
		}
		k.Stop()
		time.Sleep(15 * time.Second)
		if n := workers(t, e); n != 0 {
			t.Errorf("%d workers are up after Stop", n)
		}
		sum, err := store.Spent(t.Context(), runs.Budget{})
		if got := billed(t, e); err != nil || sum.Open != 0 || got < sum.Settled-0.01 || got > sum.Settled+0.001 {
			t.Errorf("the service bills $%v, the store has %+v, %v", got, sum, err)
		}
	})
}

// A process that dies leaves a worker that the service stops after its idle timeout, no setting
// that costs, and a reservation of about what it cost.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, store := serve(t)
		before, err := e.Client().Management().Endpoint(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		process, die := context.WithCancel(t.Context())
		if _, err := warm.Keep(process, e, warm.Options{For: 12 * time.Hour, Store: store}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		die()
		time.Sleep(15 * time.Second)
		if n := workers(t, e); n != 0 {
			t.Errorf("%d workers are up", n)
		}
		after, err := e.Client().Management().Endpoint(t.Context(), e.ID)
		if err != nil || *after.Workers != *before.Workers {
			t.Errorf("%+v, before %+v, %v", after.Workers, before.Workers, err)
		}
		sum, err := store.Spent(t.Context(), runs.Budget{})
		if got := billed(t, e); err != nil || sum.Jobs != 1 || sum.Open < got || sum.Open > got+hourly/36 {
			t.Errorf("the service bills $%v, the store has %+v, %v", got, sum, err)
		}
	})
}

// Its time ends, and so does a budget.
func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, store := serve(t)
		k, err := warm.Keep(t.Context(), e, warm.Options{For: 5 * time.Minute, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Minute + 15*time.Second)
		if s := k.State(); !s.Over || s.Err != nil || workers(t, e) != 0 {
			t.Errorf("%+v, %d workers", s, workers(t, e))
		}
		t.Setenv(budget.EnvDay, "0.5")
		if _, err := warm.Keep(t.Context(), e, warm.Options{For: time.Hour, Store: store}); !errors.Is(err, budget.ErrRefused) {
			t.Errorf("an hour for more than the budget: %v", err)
		}
		if k, err = warm.Keep(t.Context(), e, warm.Options{For: 20 * time.Minute, Store: store}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		t.Setenv(budget.EnvDay, "0.3") // another notebook has spent the rest, or the user has changed it
		time.Sleep(10 * time.Minute)
		if s := k.State(); !s.Over || !errors.Is(s.Err, budget.ErrRefused) || workers(t, e) != 0 {
			t.Errorf("%+v, %d workers", s, workers(t, e))
		}
	})
}

func TestCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := serve(t)
		known := place.Rate{Pool: "ADA_24", Hourly: 1}
		on := known
		on.Always = 2
		for want, o := range map[string]warm.Options{
			"has no idle timeout":            {Rate: known},
			"has workers that are always on": {Rate: on},
			"for 13h0m0s: want":              {For: 13 * time.Hour},
		} {
			if _, err := warm.Keep(t.Context(), e, o); !errors.Is(err, warm.ErrCannot) || !strings.Contains(err.Error(), want) {
				t.Errorf("want %q, got %v", want, err)
			}
		}
	})
}
