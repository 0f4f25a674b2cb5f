package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// prefix begins the name of every folder; lockName is the file in it that its process
// locks.
const (
	prefix   = "gopherpod-"
	lockName = ".lock"
)

// MinAge is how old a folder that no process holds has to be before it is removed: its
// process may be about to take the lock.
const MinAge = time.Minute

// unlocked is the same for folders without a lock file. They were made by earlier versions,
// which had no lock.
const unlocked = 7 * 24 * time.Hour

// A Folder belongs to one process, and to those that inherit its lock. The zero value is
// no folder.
type Folder struct {
	Path string
	lock *os.File
}

// Make makes a folder in the first fit place; see Find.
func Make() (*Folder, error) {
	dir, err := Find()
	if err != nil {
		return nil, err
	}
	return MakeIn(dir)
}

// MakeIn makes a folder in dir, which may be a place that all users share.
func MakeIn(dir string) (*Folder, error) {
	path, err := os.MkdirTemp(dir, prefix) // 0700, of a random name
	if err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	lock, err := Hold(filepath.Join(path, lockName), os.O_CREATE)
	if err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("scratch: %w", err)
	}
	return &Folder{Path: path, lock: lock}, nil
}

// Lock returns the file that marks the folder as in use, for a process that inherits it.
func (f *Folder) Lock() *os.File { return f.lock }

// Close removes the folder and everything in it.
func (f *Folder) Close() error {
	if f == nil || f.lock == nil {
		return nil
	}
	return errors.Join(os.RemoveAll(f.Path), f.lock.Close())
}

// A Left is a folder that a process has left, or is using.
type Left struct {
	Path  string
	Bytes int64
	Used  time.Time // when something was last made in it
	InUse bool      // a running process holds it, or may hold it
}

// List returns our folders in the given places, including those in use. It looks only at
// folders of this user.
func List(places ...string) []Left {
	var list []Left
	for _, place := range places {
		entries, err := os.ReadDir(place)
		if err != nil {
			continue
		}
		for _, e := range entries {
			info, err := e.Info() // of the link, if it is one
			if err != nil || !strings.HasPrefix(e.Name(), prefix) || !info.IsDir() || !mine(info) {
				continue
			}
			path := filepath.Join(place, e.Name())
			lock, dead := abandoned(path, info)
			if lock != nil {
				lock.Close()
			}
			list = append(list, Left{Path: path, Bytes: Size(path), Used: info.ModTime(), InUse: !dead})
		}
	}
	return list
}

// Clean removes the folders in the given places whose processes are gone, and returns how
// many bytes that freed.
func Clean(places ...string) (freed int64, err error) {
	for _, l := range List(places...) {
		if l.InUse {
			continue
		}
		info, gone := os.Lstat(l.Path)
		if gone != nil {
			continue
		}
		lock, dead := abandoned(l.Path, info) // held while it is removed, so that no other process removes it too
		if dead {
			if e := os.RemoveAll(l.Path); e != nil {
				err = errors.Join(err, e)
			} else {
				freed += l.Bytes
			}
		}
		if lock != nil {
			lock.Close()
		}
	}
	return freed, err
}

// abandoned reports whether no process holds a folder. If it could take the lock of the
// folder, it returns the lock, which it still holds.
func abandoned(path string, info fs.FileInfo) (lock *os.File, dead bool) {
	lock, err := Hold(filepath.Join(path, lockName), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, time.Since(info.ModTime()) > unlocked
	}
	if err != nil {
		return nil, false
	}
	return lock, time.Since(info.ModTime()) > MinAge
}

// Size returns how many bytes the files in a folder hold.
func Size(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it is being removed, or not ours to read
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
