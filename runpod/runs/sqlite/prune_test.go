package sqlite

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/tensors/sqlfile"
)

// long are the events of a run: n epochs of about 1,000 bytes.
func long(n int) (list []runs.Event) {
	for i := range n {
		list = append(list, runs.Event{Seq: i, Data: json.RawMessage(fmt.Sprintf(`{"type":"epoch","text":%q}`, strings.Repeat("x", 1000)))})
	}
	return list
}

// When the file grows beyond its bound, the events of the oldest runs go, but not those of
// open runs, nor those of runs whose weights may still be collected; no run goes.
func TestOldestEventsGo(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "runs.sqlite"))
	s.max = 20_000_000
	ctx := t.Context()
	now := time.Now()
	const all = 20
	for i := range all {
		r := run(fmt.Sprintf("run-%02d", i), now.Add(time.Duration(i-40)*24*time.Hour)) // 40 to 21 days ago
		switch {
		case i == 1:
			r.State = runs.Open
		case i == 2:
			r.State, r.Created = runs.Completed, now.Add(-6*24*time.Hour)
		default:
			r.State = runs.Completed
		}
		if err := s.Put(ctx, r); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ctx, r.ID, long(500)); err != nil {
			t.Fatal(err)
		}
	}
	if used, err := sqlfile.Used(s.db); used > s.max+s.max/10 || err != nil {
		t.Errorf("%d bytes in use, %v", used, err)
	}
	kept := map[string]bool{}
	for i := range all {
		id := fmt.Sprintf("run-%02d", i)
		r, err := s.Get(ctx, id)
		if err != nil || string(r.Record) != `{"x":1}` || r.Source == "" {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
		events, err := s.Events(ctx, id)
		if err != nil || len(events) != 0 && len(events) != 500 {
			t.Errorf("%s: %d events, %v", id, len(events), err)
		}
		kept[id] = len(events) > 0
	}
	if kept["run-00"] || !kept["run-01"] || !kept["run-02"] || !kept["run-19"] {
		t.Errorf("kept: %v", kept)
	}
	before := 0
	for i := 3; i < all; i++ { // none that went is newer than one that stayed
		if kept[fmt.Sprintf("run-%02d", i)] {
			before++
		} else if before > 0 {
			t.Errorf("run-%02d went before an older one: %v", i, kept)
		}
	}
}

func TestCompactRemovesEndedRunsOnRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.sqlite")
	s := open(t, path) // stays open, as in a kernel
	ctx := t.Context()
	now := time.Now()
	for id, state := range map[string]runs.State{"old-open": runs.Open, "old-done": runs.Completed, "old-failed": runs.Failed, "new-done": runs.Completed} {
		r := run(id, now.Add(-100*24*time.Hour))
		if strings.HasPrefix(id, "new") {
			r.Created = now
		}
		r.State = state
		if err := s.Put(ctx, r); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ctx, id, long(300)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := Compact(ctx, path, time.Time{}); n != 0 || err != nil {
		t.Errorf("without a time %d runs go, %v", n, err)
	}
	before, _ := sqlfile.Measure(path)
	limit := now.Add(-90 * 24 * time.Hour)
	if n, err := Ended(ctx, path, limit); n != 2 || err != nil {
		t.Errorf("%d runs would go, %v", n, err)
	}
	if n, err := Compact(ctx, path, limit); n != 2 || err != nil {
		t.Errorf("%d runs go, %v", n, err)
	}
	list, _, err := s.List(ctx, runs.Filter{})
	if err != nil || len(list) != 2 || list[0].ID != "new-done" || list[1].ID != "old-open" {
		t.Errorf("%v, %v", list, err)
	}
	if e, err := s.Events(ctx, "old-done"); len(e) != 0 || err != nil {
		t.Errorf("%d events of a removed run, %v", len(e), err)
	}
	if after, err := sqlfile.Measure(path); after.Bytes > before.Bytes*3/4 || err != nil {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
	none := filepath.Join(t.TempDir(), "none.sqlite")
	if n, err := Compact(ctx, none, limit); n != 0 || err != nil {
		t.Error(n, err)
	}
	if u, err := sqlfile.Measure(none); u.Bytes != 0 || err != nil {
		t.Errorf("Compact made a file of %d bytes, %v", u.Bytes, err)
	}
}
