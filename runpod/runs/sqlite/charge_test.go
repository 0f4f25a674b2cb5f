package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
)

var noon = time.Date(2025, 11, 26, 12, 0, 0, 0, time.UTC)

func charge(id string, open bool, dollars float64) runs.Charge {
	return runs.Charge{ID: id, Kind: "train", Open: open, At: noon, Endpoint: "e", Dollars: dollars}
}

func TestCharges(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			day := runs.Budget{Name: "RUNPOD_BUDGET_DAY", Most: 1, Since: noon.Truncate(24 * time.Hour)}
			try := func(c runs.Charge, left float64) {
				t.Helper()
				err := s.Charge(t.Context(), c, day)
				if left < 0 {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				var over *runs.OverBudget
				if !errors.As(err, &over) || !errors.Is(err, runs.ErrOverBudget) || over.Want != c.Dollars || over.Budget.Name != day.Name {
					t.Fatalf("%v", err)
				}
				if got := over.Spending.Left(over.Budget); got < left-1e-9 || got > left+1e-9 {
					t.Errorf("%v left, want %v", got, left)
				}
			}
			try(charge("a", true, 0.75), -1)
			try(charge("b", true, 0.5), 0.25)
			try(charge("a", false, 0.5), -1) // settled for less than it might have cost
			try(charge("b", true, 0.5), -1)
			try(charge("c", true, 0.01), 0)
			yesterday := charge("d", false, 7)
			yesterday.At = noon.AddDate(0, 0, -1)
			if err := s.Charge(t.Context(), yesterday); err != nil {
				t.Fatal(err)
			}
			// A run of an earlier gopherpod has no charge, one of this one has.
			for _, r := range []runs.Run{run("aold1234", noon), run("a", noon)} {
				r.Dollars = 0.125
				if r.ID == "a" {
					r.ID = "anew1234"
					if err := s.Charge(t.Context(), charge(r.ID, false, 0)); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.Put(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			sum, err := s.Spent(t.Context(), day)
			if want := (runs.Spending{Settled: 0.625, Open: 0.5, Jobs: 1}); err != nil || sum != want {
				t.Errorf("%+v, want %+v, %v", sum, want, err)
			}
			// Sums lists what is not a run beside the runs.
			sums, err := s.Sums(t.Context(), "day", noon.Truncate(24*time.Hour))
			if err != nil || len(sums) != 1 || sums[0].Runs != 2 || sums[0].Dollars != 0.25 || sums[0].Others != 0.5 {
				t.Errorf("%+v, %v", sums, err)
			}
		})
	}
}

// Each kernel has a session of its own, which its clients cannot choose.
func TestChargesOfASession(t *testing.T) {
	file := open(t, filepath.Join(t.TempDir(), "runs.sqlite"))
	var clients []runs.Store
	for i := range 2 {
		server, err := runs.Serve(func() (runs.Store, error) { return file, nil }, func(r *runs.Run) { r.Notebook = fmt.Sprint(i, ".ipynb") })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		clients = append(clients, runs.Dial(server.URL, server.Key))
	}
	mine := runs.Budget{Name: "RUNPOD_BUDGET_NOTEBOOK", Most: 1, Session: "this"}
	for i, id := range []string{"a", "b"} {
		if err := clients[i].Charge(t.Context(), charge(id, false, 0.75), mine); err != nil {
			t.Fatal(err)
		}
	}
	if err := clients[0].Charge(t.Context(), charge("c", true, 0.5), mine); !errors.Is(err, runs.ErrOverBudget) {
		t.Error(err)
	}
	if sum, err := clients[1].Spent(t.Context(), runs.Budget{Session: "this", Endpoint: "another"}); err != nil || sum.Settled != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	if sum, err := clients[1].Spent(t.Context(), mine); err != nil || sum.Settled != 0.75 {
		t.Errorf("%+v, %v", sum, err)
	}
	// Another process settles a charge, which stays that of its session and notebook.
	if err := clients[1].Charge(t.Context(), charge("a", false, 0.25)); err != nil {
		t.Fatal(err)
	}
	if sum, err := clients[0].Spent(t.Context(), mine); err != nil || sum.Settled != 0.25 {
		t.Errorf("%+v, %v", sum, err)
	}
	if sums, err := file.Sums(t.Context(), "notebook", time.Time{}); err != nil || len(sums) != 2 || sums[0].Group != "1.ipynb" || sums[1].Group != "0.ipynb" {
		t.Errorf("%+v, %v", sums, err)
	}
}

// Two processes cannot spend the same dollar.
func TestChargesAtTheSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.sqlite")
	files := []*Store{open(t, path), open(t, path)}
	var granted atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := files[i%2].Charge(t.Context(), charge(fmt.Sprint("c", i), true, 0.3), runs.Budget{Name: "RUNPOD_BUDGET_DAY", Most: 1})
			switch {
			case err == nil:
				granted.Add(1)
			case !errors.Is(err, runs.ErrOverBudget):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := granted.Load(); n != 3 {
		t.Errorf("%d of 20 charges of $0.30 fit into $1", n)
	}
}

func TestChargeRefusesNonsense(t *testing.T) {
	for name, s := range stores(t) {
		for _, c := range []runs.Charge{{}, {ID: "a"}, charge("a", true, -1)} {
			if err := s.Charge(t.Context(), c); err == nil {
				t.Errorf("%s: %+v is accepted", name, c)
			}
		}
	}
}

// Removing runs removes their charges, but not those that a budget of today counts.
func TestChargesOfRemovedRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.sqlite")
	s := open(t, path)
	for id, at := range map[string]time.Time{"old": noon, "now": time.Now()} {
		c := charge(id, false, 1)
		c.At = at
		if err := s.Charge(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Compact(t.Context(), path, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if sum, err := s.Spent(t.Context(), runs.Budget{}); err != nil || sum.Settled != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}
