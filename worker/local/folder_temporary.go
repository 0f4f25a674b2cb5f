package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// A Folder is a place for FolderStore that goes when it is closed. The zero value is
// none.
type Folder struct {
	Path string

	lock io.Closer
}

// TemporaryFolder makes a folder in the user's cache, since data of many gigabytes
// have no place in a /tmp that is memory. What processes left there that were killed
// is removed first. A user without a cache gets a folder of a random name among the
// temporary files: a fixed name there could be made by somebody else before.
func TemporaryFolder() (*Folder, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		private, err := scratch.MakeIn(os.TempDir())
		if err != nil {
			return nil, err
		}
		return &Folder{Path: private.Path, lock: private.Lock()}, nil
	}
	root := filepath.Join(cache, "gopherpod", "store")
	if err := scratch.Private(root); err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	removeAbandoned(root)
	return temporaryFolder(root)
}

func temporaryFolder(root string) (*Folder, error) {
	dir := filepath.Join(root, strings.ToLower(rand.Text()[:12]))
	lock, err := lockFile(dir + ".lock")
	if err != nil {
		return nil, err
	}
	f := &Folder{Path: dir, lock: lock}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close removes the folder and all that is in it.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	err := os.Remove(f.Path + ".lock")
	if errors.Is(err, os.ErrNotExist) { // of a folder that holds its lock
		err = nil
	}
	return errors.Join(os.RemoveAll(f.Path), err, f.lock.Close())
}

// Lock returns the lock file that marks the folder as in use, for a process that inherits it;
// nil if there is none.
func (f *Folder) Lock() *os.File {
	file, _ := f.lock.(*os.File)
	return file
}

// Leave gives the folder up without removing it: another process has it.
func (f *Folder) Leave() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.Close()
}

// removeAbandoned removes folders whose lock nobody holds.
func removeAbandoned(root string) {
	if !locksHold {
		return
	}
	locks, _ := filepath.Glob(filepath.Join(root, "*.lock"))
	for _, path := range locks {
		lock, err := lockFile(path)
		if err != nil {
			continue
		}
		os.RemoveAll(strings.TrimSuffix(path, ".lock"))
		os.Remove(path)
		lock.Close()
	}
}
