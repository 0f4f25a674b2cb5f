package train_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
)

// A forecast follows the runs that are most like the plan, and says how far it may be off.
func TestForecast(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "runs.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	X, y := traintest.Blobs(3200)
	plan, err := train.Prepare(train.Layers("linear 256\nrelu\nlinear 3"), train.Data{X: X, Y: y}, train.Options{Runs: store, Epochs: 100})
	if err != nil {
		t.Fatal(err)
	}
	e, err := plan.Estimate()
	if err != nil {
		t.Fatal(err)
	}
	const steps = 100 * 100 // 100 batches of 32 an epoch
	offers := place.Offers(t.Context(), place.Place{}, place.Rate{GPUs: 1, Start: 20 * time.Second, Idle: 10 * time.Second})
	forecast := func(pool string) (train.Forecast, []train.Forecast) {
		t.Helper()
		list, err := plan.Forecast(t.Context(), offers)
		if err != nil || len(list) != len(offers) {
			t.Fatalf("%d forecasts, %v", len(list), err)
		}
		for i, f := range list {
			if !(f.Low <= f.Dollars && f.Dollars <= f.High && f.LowTime <= f.Time && f.Time <= f.HighTime && f.Low > 0) || i > 0 && f.Dollars < list[i-1].Dollars {
				t.Errorf("%+v", f)
			}
		}
		for _, f := range list {
			if f.Rate.Pool == pool {
				return f, list
			}
		}
		t.Fatalf("no forecast for %s", pool)
		return train.Forecast{}, nil
	}
	if f, _ := forecast("ADA_24"); f.Runs != 0 || f.Measured != "" || f.HighTime < 4*(f.LowTime-3*time.Second) || !strings.Contains(f.Basis(), "no run was measured") {
		t.Errorf("without runs: %+v", f)
	}
	add := func(n int, r runs.Run) {
		r.ID, r.Created, r.State = fmt.Sprintf("run-%04d", n), time.Now(), runs.Completed
		if err := store.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	// Three like the plan, of half as many epochs; the worker needed 4 s besides.
	for n, seconds := range []float64{9, 10, 11} {
		add(n, runs.Run{GPU: "ADA_24", FLOPs: e.FLOPs / 2, Steps: steps / 2, Seconds: seconds, Billed: seconds + 4})
	}
	add(3, runs.Run{GPU: "ADA_24", FLOPs: e.FLOPs * 1e6, Steps: steps, Seconds: 1, Billed: 1, Address: "http://127.0.0.1:1/v2"}) // on this machine
	f, list := forecast("ADA_24")
	if f.Runs != 3 || f.Time != 24*time.Second || f.LowTime != 20*time.Second || f.HighTime != 29*time.Second || f.Basis() != "measured on 3 runs on ADA_24" {
		t.Errorf("%+v", f)
	}
	if want := f.Rate.Cost(54 * time.Second); f.Dollars != want {
		t.Errorf("$%v, want $%v: with the start of a worker and its idle time", f.Dollars, want)
	}
	other, _ := forecast("ADA_80_PRO")
	if other.Runs != 0 || other.Measured != "ADA_24" || other.HighTime-other.LowTime < f.HighTime-f.LowTime {
		t.Errorf("%+v", other)
	}
	if list[0].Rate.Pool == "ADA_80_PRO" || list[0].Dollars >= other.Dollars {
		t.Errorf("%+v is the cheapest", list[0])
	}
	// A run whose steps are a hundred times as large says less.
	for n := range 5 {
		add(10+n, runs.Run{GPU: "AMPERE_80", FLOPs: e.FLOPs * 100, Steps: steps, Seconds: 20})
	}
	if g, _ := forecast("AMPERE_80"); g.Runs != 5 || g.HighTime < 10*g.Time {
		t.Errorf("%+v", g)
	}
}

// A run keeps the operations and steps that it took, from which later forecasts follow.
func TestRunsKeepTheirWork(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "runs.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	X, y := traintest.Blobs(30)
	o := train.Options{Endpoint: traintest.Serve(t, &traintest.Worker{}), Runs: store, Epochs: 2, BatchSize: 10}
	plan, err := train.Prepare(train.Layers("linear 3"), train.Data{X: X, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	e, err := plan.Estimate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := store.Get(t.Context(), plan.RunID)
	if err != nil || r.FLOPs != e.FLOPs || r.Steps != 6 {
		t.Errorf("%v operations, want %v; %v steps, want 6; %v", r.FLOPs, e.FLOPs, r.Steps, err)
	}
}
