package history

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors/sqlfile"
)

// A cell of 100 MB, and its output, are not kept whole, and what is kept says so.
func TestLargeCellsAreCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sqlite")
	s := Open(path)
	defer s.Close()
	for i, text := range []string{strings.Repeat("x", 100_000_000), strings.Repeat("x", MaxText-1) + strings.Repeat("é", 100), strings.Repeat("x", MaxText)} {
		s.Add(i+1, text)
		s.SetOutput(i+1, text)
	}
	list, err := s.Tail(3)
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	for _, got := range []string{list[0].Source, list[0].Output} {
		if head, note, _ := strings.Cut(got, "\n"); len(head) != MaxText || note != "// The history keeps the first 1.0 MB of this text, which has 100.0 MB." {
			t.Errorf("%d bytes, then %q", len(head), note)
		}
	}
	if head, _, _ := strings.Cut(list[1].Source, "\n"); len(head) != MaxText-1 {
		t.Errorf("a rune was cut: %d bytes, ends in %q", len(head), head[len(head)-3:])
	}
	if list[2].Source != strings.Repeat("x", MaxText) {
		t.Errorf("a cell of MaxText bytes was changed: %d bytes", len(list[2].Source))
	}
	if u, err := sqlfile.Measure(path); u.Bytes > 20*MaxText || err != nil {
		t.Errorf("the file has %+v, %v", u, err)
	}
}

// fill opens a store with a small bound and adds cells of 1,000 bytes,
// each of which needs about 5,000 in the file, because it does not fit beside others.
func fill(t *testing.T, path string, max int64, cells int) *Store {
	t.Helper()
	s := Open(path)
	t.Cleanup(s.Close)
	s.enqueue(func(f *file) { f.max = max })
	for i := range cells {
		s.Add(i+1, fmt.Sprint(i+1, " ", strings.Repeat("x", 1000)))
	}
	return s
}

// While a kernel runs, the oldest cells go; the newest stay, of this session and of
// earlier ones.
func TestOldestCellsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sqlite")
	fill(t, path, 0, 100).Close()
	const limit = 400_000
	s := fill(t, path, limit, 1000)
	list, err := s.Tail(5000)
	if err != nil || len(list) < limit/2/5100 || len(list) > limit/1000 {
		t.Fatalf("%d cells, %v", len(list), err)
	}
	if last := list[len(list)-1]; last.Line != 1000 || last.Session != 2 {
		t.Errorf("the newest is %d/%d", last.Session, last.Line)
	}
	if first := list[0]; first.Session != 2 || first.Line != 1000-len(list)+1 {
		t.Errorf("of %d cells the oldest is %d/%d", len(list), first.Session, first.Line)
	}
}

// A file that an earlier version let grow is pruned when it is opened.
func TestGrownFileIsPrunedWhenOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sqlite")
	fill(t, path, 0, 500).Close()
	db, session, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f := file{db: db, session: session, max: 1_000_000}
	if err := f.prune(); err != nil {
		t.Fatal(err)
	}
	list, err := f.query(`SELECT session, line, source, output FROM history ORDER BY session, line`)
	if err != nil || len(list) < 100 || len(list) > 200 || list[len(list)-1].Line != 500 {
		t.Errorf("%d cells, %v", len(list), err)
	}
}

func TestCompact(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "h.sqlite")
	s := fill(t, path, 0, 500)
	if _, err := s.Tail(1); err != nil { // s stays open, as in a kernel
		t.Fatal(err)
	}
	if err := Compact(path, false); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Tail(1000); len(list) != 500 || err != nil {
		t.Errorf("%d cells within the bounds are left, %v", len(list), err)
	}
	if err := Compact(path, true); err != nil {
		t.Fatal(err)
	}
	if u, err := sqlfile.Measure(path); u.Bytes > 200_000 || err != nil {
		t.Errorf("%+v, %v", u, err)
	}
	s.Add(501, "works")
	check(t, "after Compact", sources(s.Tail(10)), "1/501 works")
	none := filepath.Join(dir, "none.sqlite")
	if err := Compact(none, true); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("Compact made a file")
	}
}
