package history

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
)

func sources(es []Entry, err error) []string {
	if err != nil {
		return []string{err.Error()}
	}
	out := []string{}
	for _, e := range es {
		out = append(out, fmt.Sprintf("%d/%d %s", e.Session, e.Line, e.Source))
	}
	return out
}

func check(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// two returns a store in its second session.
func two(t *testing.T, path string) *Store {
	t.Helper()
	s := Open(path)
	s.Add(1, "x := 1")
	s.Add(2, "x")
	s.SetOutput(2, "1")
	s.Add(3, "x")
	s.Close()
	s = Open(path)
	t.Cleanup(s.Close)
	s.Add(1, "y := 2")
	s.Add(2, "x")
	return s
}

func TestAcrossSessions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder?", "h#.sqlite")
	s := two(t, path)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	check(t, "tail", sources(s.Tail(3)), "1/3 x", "2/1 y := 2", "2/2 x")
	check(t, "tail of more than there is", sources(s.Tail(100)), "1/1 x := 1", "1/2 x", "1/3 x", "2/1 y := 2", "2/2 x")
	check(t, "tail 0", sources(s.Tail(0)))
	check(t, "tail -1", sources(s.Tail(-1)))
	check(t, "range of now", sources(s.Range(0, 1, 0)), "2/1 y := 2", "2/2 x")
	check(t, "range of before", sources(s.Range(-1, 1, 3)), "1/1 x := 1", "1/2 x")
	check(t, "range by number", sources(s.Range(1, 2, 0)), "1/2 x", "1/3 x")
	check(t, "range of no session", sources(s.Range(77, 0, 0)))
	check(t, "search", sources(s.Search("*:=*", 0, false)), "1/1 x := 1", "2/1 y := 2")
	check(t, "search n", sources(s.Search("x", 2, false)), "1/3 x", "2/2 x")
	check(t, "search unique", sources(s.Search("?*", 0, true)), "1/1 x := 1", "2/1 y := 2", "2/2 x")
	check(t, "search unique n", sources(s.Search("*", 1, true)), "2/2 x")
	check(t, "a pattern is no SQL", sources(s.Search("'; DROP TABLE history; --", 0, false)))
	es, _ := s.Range(1, 2, 3)
	if len(es) != 1 || es[0].Output != "1" {
		t.Errorf("output: %+v", es)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestFallsBackToMemory(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("this is no database, and long enough to be seen as none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder":              dir,
		"not a database":        broken,
		"a folder under a file": filepath.Join(broken, "h.sqlite"),
	} {
		s := Open(path)
		if s.Err() == nil {
			t.Errorf("%s: no error", name)
		}
		s.Add(1, "x")
		check(t, name, sources(s.Tail(5)), "1/1 x")
		s.Close()
	}
}

func TestKernelsShareOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sqlite")
	var wg sync.WaitGroup
	const kernels, cells = 4, 25
	for range kernels {
		wg.Go(func() {
			s := Open(path)
			defer s.Close()
			for i := range cells {
				s.Add(i+1, "x")
			}
			if err := s.Err(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := Open(path)
	defer s.Close()
	if es, err := s.Tail(1000); err != nil || len(es) != kernels*cells {
		t.Errorf("%d entries, want %d: %v", len(es), kernels*cells, err)
	}
}

func TestAfterClose(t *testing.T) {
	s := Open("")
	s.Close()
	s.Close()
	s.Add(1, "x")
	if es, err := s.Tail(1); len(es) != 0 || err != nil {
		t.Errorf("%v, %v", es, err)
	}
}

func TestDefaultPath(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/state")
	if got := DefaultPath(); got != "/state/gopherpod/history.sqlite" {
		t.Error(got)
	}
	t.Setenv("XDG_STATE_HOME", "relative") // the specification: ignore it
	t.Setenv("HOME", "/home/me")
	if got := DefaultPath(); !filepath.IsAbs(got) {
		t.Error(got)
	}
}

func BenchmarkAdd(b *testing.B) {
	s := Open(filepath.Join(b.TempDir(), "h.sqlite"))
	defer s.Close()
	line := 0
	for b.Loop() {
		line++
		s.Add(line, "x := 1\nfmt.Println(x)")
	}
}

// Failure reports a failed write, as on a full disk, once. It also reports a file that
// cannot be opened.
func TestFailureIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sqlite")
	s := Open(path)
	defer s.Close()
	s.Add(1, "x")
	if _, err := s.Tail(1); err != nil || s.Failure() != nil {
		t.Fatal("a store that works has a failure")
	}
	other, _, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec(`DROP TABLE history`); err != nil { // simulates a full disk
		t.Fatal(err)
	}
	s.Add(2, "y")
	s.SetOutput(2, "1")
	s.Err() // waits for both
	if first, second := s.Failure(), s.Failure(); first == nil || second != nil {
		t.Errorf("the failure is reported as %v, then %v", first, second)
	}
	broken := Open(t.TempDir())
	defer broken.Close()
	broken.Err()
	if broken.Failure() == nil {
		t.Error("a file that cannot be opened is not reported")
	}
}

// After Close, the file alone holds all cells; the write-ahead log is empty.
func TestCloseEmptiesTheLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "h.sqlite")
	other := Open(path) // another kernel, which has the file open
	defer other.Close()
	other.Err()
	s := Open(path)
	s.Add(1, "kept")
	s.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(dir, "copy.sqlite")
	if err := os.WriteFile(alone, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c := Open(alone)
	defer c.Close()
	check(t, "a copy of the file", sources(c.Tail(5)), "2/1 kept")
}
