package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// stores returns the file, and the file over HTTP.
func stores(t *testing.T) map[string]runs.Store {
	direct := open(t, filepath.Join(t.TempDir(), "a", "runs.sqlite"))
	file := open(t, filepath.Join(t.TempDir(), "runs.sqlite"))
	server, err := runs.Serve(func() (runs.Store, error) { return file, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return map[string]runs.Store{"file": direct, "http": runs.Dial(server.URL, server.Key)}
}

func run(id string, at time.Time) runs.Run {
	return runs.Run{ID: id, State: runs.Open, Created: at, Endpoint: "local", Notebook: "a.ipynb", Source: "%%runpod_train", Record: json.RawMessage(`{"x":1}`)}
}

func TestStore(t *testing.T) {
	day := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			for i, id := range []string{"aaaa1111", "aaaa2222", "bbbb3333"} {
				r := run(id, day.Add(time.Duration(i)*24*time.Hour))
				r.Dollars, r.Billed = float64(i), 10
				if i == 2 {
					r.Tags, r.State = []string{"paper", "x"}, runs.Completed
				}
				if err := s.Put(ctx, r); err != nil {
					t.Fatal(err)
				}
			}
			r, err := s.Get(ctx, "bb")
			if err != nil || r.ID != "bbbb3333" || string(r.Record) != `{"x":1}` || r.Source == "" {
				t.Errorf("%+v, %v", r, err)
			}
			if r, err := s.Get(ctx, "aaaa1111"); err != nil || r.ID != "aaaa1111" {
				t.Errorf("%+v, %v", r, err)
			}
			if _, err := s.Get(ctx, "aaaa"); !errors.Is(err, runs.ErrAmbiguous) {
				t.Error(err)
			}
			for _, id := range []string{"c", "", "%", "a' OR 1"} {
				if _, err := s.Get(ctx, id); !errors.Is(err, runs.ErrNotFound) {
					t.Errorf("%q: %v", id, err)
				}
			}
			list, all, err := s.List(ctx, runs.Filter{Limit: 2})
			if err != nil || all != 3 || len(list) != 2 || list[0].ID != "bbbb3333" || list[0].Record != nil || list[0].Source != "" {
				t.Errorf("%v, %d, %v", list, all, err)
			}
			for want, f := range map[int]runs.Filter{1: {Tag: "paper"}, 2: {State: runs.Open}, 0: {Tag: "pap"}, 3: {Notebook: "a.ipynb", Endpoint: "local", Since: day}} {
				if list, all, err := s.List(ctx, f); err != nil || all != want || len(list) != want {
					t.Errorf("%+v: %d of %d, %v", f, len(list), all, err)
				}
			}
			// An event that comes again is kept once.
			for range 2 {
				if err := s.Append(ctx, "bbbb3333", []runs.Event{{Seq: 1, Data: json.RawMessage(`{"b":2}`)}, {Seq: 0, Data: json.RawMessage(`{}`)}}); err != nil {
					t.Fatal(err)
				}
			}
			events, err := s.Events(ctx, "bbbb3333")
			if err != nil || len(events) != 2 || events[1].Seq != 1 || string(events[1].Data) != `{"b":2}` {
				t.Errorf("%v, %v", events, err)
			}
			sums, err := s.Sums(ctx, "day", day.Add(time.Hour))
			if err != nil || len(sums) != 2 || sums[0] != (runs.Sum{Group: "2026-11-28", Runs: 1, Billed: 10, Dollars: 2}) {
				t.Errorf("%v, %v", sums, err)
			}
			if sums, err := s.Sums(ctx, "notebook", time.Time{}); err != nil || len(sums) != 1 || sums[0].Runs != 3 {
				t.Errorf("%v, %v", sums, err)
			}
			if _, err := s.Sums(ctx, "id; DROP TABLE runs", time.Time{}); err == nil {
				t.Error("another grouping passes")
			}
			if err := s.Put(ctx, run("../x", day)); err == nil {
				t.Error("a path is an id")
			}
		})
	}
}

// TestTogether: several processes may write.
func TestTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.sqlite")
	var wg sync.WaitGroup
	for w := range 4 {
		s := open(t, path)
		wg.Go(func() {
			for i := range 25 {
				r := run(fmt.Sprintf("run-%d-%d", w, i), time.Now())
				if err := errors.Join(s.Put(t.Context(), r), s.Append(t.Context(), r.ID, []runs.Event{{Data: json.RawMessage("{}")}})); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, all, err := open(t, path).List(t.Context(), runs.Filter{}); err != nil || all != 100 {
		t.Errorf("%d, %v", all, err)
	}
}

// TestBroken: a file that cannot be opened is an error and stays as it is.
func TestBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.sqlite")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	if b, _ := os.ReadFile(path); !strings.HasPrefix(string(b), "no database") {
		t.Error("the file was changed")
	}
	if _, err := Open(""); !errors.Is(err, ErrOff) {
		t.Error(err)
	}
	newer := filepath.Join(t.TempDir(), "newer.sqlite")
	s := open(t, newer)
	if _, err := s.db.Exec("PRAGMA user_version = 9"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(newer); err == nil || !strings.Contains(err.Error(), "newer gopherpod") {
		t.Error(err)
	}
	info, err := os.Stat(newer)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file that only the user can read", info.Mode(), err)
	}
}

// BenchmarkList lists the newest 50 of 100,000 runs, with the number of all.
func BenchmarkList(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "runs.sqlite"))
	tx, err := s.db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 100_000 {
		r := run(fmt.Sprintf("%016x", i*7919), day.Add(time.Duration(i)*time.Minute))
		summary, _ := json.Marshal(r)
		if _, err := tx.Exec(`INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?)`, r.ID, r.Created.UnixNano(), runs.Completed, "local", r.Notebook, "", " a ", r.Created.Format(time.DateOnly), 1.5, 0.01, string(summary)); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]runs.Filter{"newest": {}, "tag": {Tag: "a"}, "state": {State: runs.Completed}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, all, err := s.List(b.Context(), f); err != nil || all != 100_000 {
					b.Fatal(all, err)
				}
			}
		})
	}
	b.Run("sums", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Sums(b.Context(), "day", time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// After Close, the file alone holds the runs, even if another process has it open.
func TestCloseEmptiesTheLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "runs.sqlite")
	other, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), runs.Run{ID: "abcd", State: runs.Completed, Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(dir, "copy.sqlite")
	if err := os.WriteFile(alone, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(alone)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if r, err := c.Get(t.Context(), "abcd"); err != nil || r.ID != "abcd" {
		t.Errorf("a copy of the file has %v, %v", r.ID, err)
	}
}

// A run that has ended stays ended, even if a process later writes what it saw before
// the end. Under another job, it is open again.
func TestEndedStaysEnded(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			put := func(state runs.State, job string, epochs int) {
				r := run("cccc4444", time.Now())
				r.State, r.Job, r.Epochs = state, job, epochs
				if err := s.Put(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range []struct {
				state  runs.State
				job    string
				want   runs.State
				epochs int
			}{
				{runs.Open, "", runs.Open, 0},
				{runs.Open, "j1", runs.Open, 1},
				{runs.Completed, "j1", runs.Completed, 2},
				{runs.Open, "j1", runs.Completed, 2}, // as it was
				{runs.Failed, "j1", runs.Failed, 4},
				{runs.Open, "j2", runs.Open, 5},
			} {
				put(c.state, c.job, c.epochs)
				if r, err := s.Get(t.Context(), "cccc4444"); err != nil || r.State != c.want || r.Epochs != c.epochs {
					t.Errorf("after %s of job %q: %s after epoch %d, %v", c.state, c.job, r.State, r.Epochs, err)
				}
			}
		})
	}
}
