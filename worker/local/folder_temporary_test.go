package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
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
	if _, err := os.Stat(killed); locksHold && err == nil {
		t.Error("an abandoned folder stays")
	}
	if _, err := os.Stat(folder.Path); err != nil {
		t.Error("a folder in use is removed:", err)
	}
	if err := folder.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); locksHold && len(left) > 0 {
		t.Error("left:", left)
	}
}
