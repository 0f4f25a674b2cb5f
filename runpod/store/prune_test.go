package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/store"
)

// aged returns a folder with objects of 1000 bytes, of which the i-th was used i days ago.
func aged(t *testing.T, count int) (d store.Dir, digests []string) {
	t.Helper()
	d = store.Dir(t.TempDir())
	for i := range count {
		content := make([]byte, 1000)
		content[0] = byte(i)
		r, err := store.Send(t.Context(), d, store.Bytes(content), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, r.Digest)
		then := time.Now().Add(-time.Duration(i)*24*time.Hour - time.Minute)
		if err := os.Chtimes(filepath.Join(string(d), "sha256", r.Digest), then, then); err != nil {
			t.Fatal(err)
		}
	}
	// Files that are not objects stay.
	for _, name := range []string{"notes.txt", "sha256/.put-1"} {
		if err := os.WriteFile(filepath.Join(string(d), name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d, digests
}

func TestPrune(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name           string
		l              store.Limit
		left, spared   int
		touchTheOldest bool
	}{
		{"no limit", store.Limit{}, 10, 0, false},
		{"by age", store.Limit{Unused: 5 * day}, 5, 0, false},
		{"by size", store.Limit{Bytes: 3500}, 3, 0, false},
		{"by both", store.Limit{Unused: 8 * day, Bytes: 6000}, 6, 0, false},
		{"while jobs run", store.Limit{Bytes: 1, Spare: store.JobLife}, 7, 7, false},
		{"what is in use", store.Limit{Unused: 5 * day}, 6, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, digests := aged(t, 10)
			if c.touchTheOldest {
				content := make([]byte, 1000)
				content[0] = 9
				if r, err := store.Send(t.Context(), d, store.Bytes(content), store.Options{}); err != nil || r.Sent != 0 {
					t.Fatal(r, err)
				}
			}
			excess, _, err := store.Excess(t.Context(), d, c.l)
			if err != nil || len(excess) != 10-c.left {
				t.Errorf("%d over the limits, %v", len(excess), err)
			}
			p, err := store.Prune(t.Context(), d, c.l)
			if err != nil || p.Objects != 10 || p.Bytes != 10_000 || p.Removed != 10-c.left || p.RemovedSize != int64(1000*p.Removed) || p.Spared != c.spared {
				t.Errorf("%+v, %v", p, err)
			}
			if _, err := store.Fetch(t.Context(), d, digests[0], store.Options{}); err != nil {
				t.Errorf("the newest: %v", err)
			}
			if _, err := os.Stat(filepath.Join(string(d), "notes.txt")); err != nil {
				t.Error(err)
			}
		})
	}
	if p, err := store.Prune(t.Context(), store.Dir(filepath.Join(t.TempDir(), "none")), store.Limit{Bytes: 1}); err != nil || p.Objects != 0 {
		t.Errorf("an empty store: %+v, %v", p, err)
	}
}
