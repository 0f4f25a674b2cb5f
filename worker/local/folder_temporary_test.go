package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/scratch"
)

func TestTemporaryFolder(t *testing.T) {
	root := t.TempDir()
	killed := filepath.Join(root, "killed")
	if err := os.MkdirAll(filepath.Join(killed, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(killed+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := temporaryFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	x, err := tensors.From([]float64{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FolderStore(folder.Path, 0).Put(x); err != nil {
		t.Fatal(err)
	}
	removeAbandoned(root)
	if _, err := os.Stat(killed); scratch.Locks && err == nil {
		t.Error("an abandoned folder stays")
	}
	if _, err := os.Stat(folder.Path); err != nil {
		t.Error("a folder in use is removed:", err)
	}
	if err := folder.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); scratch.Locks && len(left) > 0 {
		t.Error("left:", left)
	}
}

func TestTemporaryFoldersAreListed(t *testing.T) {
	if !scratch.Locks {
		t.Skip("this system does not report which folders are in use")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", "")
	used, err := TemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	left, err := TemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left.Path, "x"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := left.Leave(); err != nil { // as a process that is killed
		t.Fatal(err)
	}
	list := TemporaryFolders()
	for _, l := range list {
		if l.InUse != (l.Path == used.Path) || l.Used.IsZero() || (l.Bytes == 1000) != (l.Path == left.Path) {
			t.Errorf("%+v", l)
		}
	}
	if freed := CleanTemporary(); len(list) != 2 || freed != 1000 {
		t.Errorf("%d folders, %d bytes freed", len(list), freed)
	}
	if list := TemporaryFolders(); len(list) != 1 || list[0].Path != used.Path {
		t.Errorf("left: %+v", list)
	}
	if err := used.Close(); err != nil {
		t.Error(err)
	}
}

// Without a home, the folder is among the temporary files of all users, where another
// user could have made a folder with a fixed name.
func TestTemporaryFolderWithoutHome(t *testing.T) {
	shared, victim := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", shared)
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	if err := os.Symlink(victim, filepath.Join(shared, "gopherpod")); err != nil {
		t.Fatal(err)
	}
	a, err := TemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	b, err := TemporaryFolder()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(a.Path); err != nil || info.Mode().Perm() != 0o700 || a.Path == b.Path || a.Lock() == nil {
		t.Errorf("%s, %s, %v", a.Path, b.Path, err)
	}
	for _, f := range []*Folder{a, b} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(victim); len(left) > 0 {
		t.Errorf("written through a link: %v", left)
	}
	if left, _ := os.ReadDir(shared); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	// A cache that is a link, or that others may write to, is refused.
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	if err := os.MkdirAll(filepath.Join(cache, "gopherpod"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(cache, "gopherpod", "store")); err != nil {
		t.Fatal(err)
	}
	if _, err := TemporaryFolder(); err == nil || !strings.Contains(err.Error(), "link") {
		t.Errorf("a link: %v", err)
	}
}
