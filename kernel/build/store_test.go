package build

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Clean removes hosts that nothing uses and what interrupted installations left, but not
// the newest host, those that a process holds, those that are being made, and folders of others.
func TestClean(t *testing.T) {
	dir := t.TempDir()
	folder := func(name, file string) string {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, file), make([]byte, 1000), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hold := func(path string, how int) *os.File {
		l, err := lock(path, how)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	folder("newest", manifestName)
	if err := os.WriteFile(filepath.Join(dir, currentName), []byte("newest"), 0o644); err != nil {
		t.Fatal(err)
	}
	folder("old", manifestName)
	running := hold(folder("running", manifestName), syscall.LOCK_SH)
	folder("strange", "some-file")
	hold(folder("new-made", "x"), syscall.LOCK_SH)
	hold(folder("new-killed", "x"), syscall.LOCK_SH).Close()
	folder("new-young", "x") // of a version without a lock
	ancient := folder("new-ancient", "x")
	when := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(ancient, when, when); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, l := range List(dir) {
		used[filepath.Base(l.Path)] = l.InUse
		if l.Bytes != 1000 {
			t.Errorf("%s: %d bytes", l.Path, l.Bytes)
		}
	}
	want := map[string]bool{"newest": true, "old": false, "running": true, "new-made": true, "new-killed": false, "new-young": true, "new-ancient": false}
	for name, inUse := range want {
		if got, there := used[name]; !there || got != inUse {
			t.Errorf("%s: in use %v, listed %v", name, got, there)
		}
	}
	if len(used) != len(want) {
		t.Errorf("listed: %v", used)
	}
	left := func() (names []string) {
		es, _ := os.ReadDir(dir)
		for _, e := range es {
			names = append(names, e.Name())
		}
		return names
	}
	if freed, err := Clean(dir); freed != 3000 || err != nil {
		t.Errorf("freed %d bytes, %v", freed, err)
	}
	if got := left(); !slices.Equal(got, []string{currentName, "new-made", "new-young", "newest", "running", "strange"}) {
		t.Errorf("left: %v", got)
	}
	running.Close() // its kernel has ended
	if freed, err := Clean(dir); freed != 1000 || err != nil {
		t.Errorf("freed %d bytes, %v", freed, err)
	}
	if freed, err := Clean(filepath.Join(dir, "none")); freed != 0 || err != nil {
		t.Errorf("no folder: freed %d bytes, %v", freed, err)
	}
}
