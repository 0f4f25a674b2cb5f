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

// A Folder is a folder for FolderStore that Close removes. The zero value has no
// folder.
type Folder struct {
	Path string

	lock io.Closer
}

// TemporaryFolder makes a folder in the user's cache, because /tmp may be in memory
// and the data can be many gigabytes. It first removes the folders of processes that
// were killed. A user without a cache gets a folder with a random name among the
// temporary files, because another user could have made a folder with a fixed name
// there first.
func TemporaryFolder() (*Folder, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		private, err := scratch.MakeIn(os.TempDir())
		if err != nil {
			return nil, err
		}
		return &Folder{Path: private.Path, lock: private.Lock()}, nil
	}
	root := temporaryRoot(cache)
	if err := scratch.Private(root); err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	removeAbandoned(root)
	return temporaryFolder(root)
}

func temporaryRoot(cache string) string { return filepath.Join(cache, "gopherpod", "store") }

// TemporaryRoot returns the place of TemporaryFolders, or "" for a user without a cache.
func TemporaryRoot() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return temporaryRoot(cache)
}

// TemporaryFolders returns the folders that TemporaryFolder has made in the user's cache
// and that are still there.
func TemporaryFolders() (list []scratch.Left) {
	root := TemporaryRoot()
	if root == "" || !scratch.Locks {
		return nil
	}
	locks, _ := filepath.Glob(filepath.Join(root, "*.lock"))
	for _, path := range locks {
		l := scratch.Left{Path: strings.TrimSuffix(path, ".lock"), InUse: true}
		l.Bytes = scratch.Size(l.Path)
		if info, err := os.Stat(l.Path); err == nil {
			l.Used = info.ModTime()
		}
		if lock, err := scratch.Hold(path, 0); err == nil {
			l.InUse = false
			lock.Close()
		}
		list = append(list, l)
	}
	return list
}

// CleanTemporary removes the TemporaryFolders that no process holds. It returns how many
// bytes that freed.
func CleanTemporary() (freed int64) {
	for _, l := range TemporaryFolders() {
		if !l.InUse {
			freed += l.Bytes
		}
	}
	if root := TemporaryRoot(); root != "" {
		removeAbandoned(root)
	}
	return freed
}

func temporaryFolder(root string) (*Folder, error) {
	dir := filepath.Join(root, strings.ToLower(rand.Text()[:12]))
	lock, err := scratch.Hold(dir+".lock", os.O_CREATE)
	if err != nil {
		return nil, err
	}
	f := &Folder{Path: dir, lock: lock}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close removes the folder and everything in it.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	err := os.Remove(f.Path + ".lock")
	if errors.Is(err, os.ErrNotExist) { // the lock is in the folder itself
		err = nil
	}
	return errors.Join(os.RemoveAll(f.Path), err, f.lock.Close())
}

// Lock returns the lock file that marks the folder as in use, for a child process that
// inherits it, or nil if there is none.
func (f *Folder) Lock() *os.File {
	file, _ := f.lock.(*os.File)
	return file
}

// Leave releases the folder without removing it, because another process uses
// it.
func (f *Folder) Leave() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.Close()
}

// removeAbandoned removes folders whose lock no process holds.
func removeAbandoned(root string) {
	if !scratch.Locks {
		return
	}
	locks, _ := filepath.Glob(filepath.Join(root, "*.lock"))
	for _, path := range locks {
		lock, err := scratch.Hold(path, os.O_CREATE)
		if err != nil {
			continue
		}
		os.RemoveAll(strings.TrimSuffix(path, ".lock"))
		os.Remove(path)
		lock.Close()
	}
}
