package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func old(t *testing.T, path string, age time.Duration) {
	t.Helper()
	when := time.Now().Add(-age)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

func TestFolderLivesAsItsProcess(t *testing.T) {
	place := t.TempDir()
	f, err := MakeIn(place)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(f.Path, "x"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	old(t, f.Path, 30*24*time.Hour)
	if freed, err := Clean(place); freed != 0 || err != nil {
		t.Errorf("%d bytes of a folder in use were freed, %v", freed, err)
	}
	if l := List(place); len(l) != 1 || !l[0].InUse || l[0].Bytes != 1000 {
		t.Errorf("%+v", l)
	}
	f.lock.Close() // as a process that is killed
	old(t, f.Path, 30*time.Second)
	if freed, _ := Clean(place); freed != 0 {
		t.Error("a folder that was just made was removed: its process may be about to hold it")
	}
	old(t, f.Path, 2*time.Minute)
	if freed, err := Clean(place); freed != 1000 || err != nil {
		t.Errorf("%d bytes, %v", freed, err)
	}
	if left, _ := os.ReadDir(place); len(left) > 0 {
		t.Errorf("%v stays", left)
	}
	if err := (&Folder{}).Close(); err != nil {
		t.Error(err)
	}
}

// What only has our name stays: files, links, and folders of a version that had no lock,
// whose processes may be running.
func TestCleanTouchesOurFoldersAlone(t *testing.T) {
	place, elsewhere := t.TempDir(), t.TempDir()
	precious := filepath.Join(elsewhere, "precious")
	for path, fn := range map[string]func(string) error{
		"gopherpod-file":    func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"gopherpod-link":    func(p string) error { return os.Symlink(elsewhere, p) },
		"gopherpod-earlier": func(p string) error { return os.Mkdir(p, 0o700) },
		"other":             func(p string) error { return os.Mkdir(p, 0o700) },
		"gopherpod-linked": func(p string) error { // its lock is a link to a file that is not held
			return errors.Join(os.WriteFile(precious, []byte("x"), 0o600), os.Mkdir(p, 0o700), os.Symlink(precious, filepath.Join(p, lockName)))
		},
	} {
		if err := fn(filepath.Join(place, path)); err != nil {
			t.Fatal(err)
		}
	}
	old(t, filepath.Join(place, "gopherpod-earlier"), 6*24*time.Hour)
	old(t, filepath.Join(place, "gopherpod-linked"), 30*24*time.Hour)
	old(t, elsewhere, 30*24*time.Hour)
	if _, err := Clean(place); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(place); len(left) != 5 {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
	old(t, filepath.Join(place, "gopherpod-earlier"), 8*24*time.Hour)
	if _, err := Clean(place); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(place, "gopherpod-earlier")); err == nil {
		t.Error("a folder of an earlier version stays forever")
	}
}

func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	open := filepath.Join(dir, "open")
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	for _, err := range []error{
		os.Mkdir(target, 0o700), os.Mkdir(open, 0o700), os.Chmod(open, 0o777), os.Symlink(target, link), os.WriteFile(file, nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{link: "link", file: "not a directory", open: "other users"} {
		if err := Private(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if err := Private(filepath.Join(dir, "a", "b")); err != nil {
		t.Error(err)
	}
}

func TestFindFallsBackAndNamesTMPDIR(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	for _, bad := range []string{filepath.Join(home, "missing"), "relative"} {
		t.Setenv("TMPDIR", bad)
		dir, err := Find()
		if err != nil || !strings.HasPrefix(dir, home) || !strings.HasSuffix(dir, filepath.Join("gopherpod", "tmp")) {
			t.Errorf("%s: %s, %v", bad, dir, err)
		}
		t.Setenv("HOME", "")
		if _, err := Find(); !errors.Is(err, ErrUnfit) || !strings.Contains(err.Error(), "TMPDIR="+bad) {
			t.Errorf("%s: %v", bad, err)
		}
		t.Setenv("HOME", home)
	}
	t.Setenv("TMPDIR", home)
	if dir, err := Find(); dir != home || err != nil {
		t.Errorf("%s, %v", dir, err)
	}
}
