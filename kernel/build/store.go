package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// unfinished begins the name of the folder in which a host is made.
const unfinished = "new-"

// point makes hash the host that Open finds.
func (p *preparation) point(hash string) error {
	f := filepath.Join(p.Dir, currentName)
	if b, err := os.ReadFile(f); err == nil && string(b) == hash {
		return nil
	}
	tmp := f + ".new"
	if err := os.WriteFile(tmp, []byte(hash), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if err := os.Rename(tmp, f); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// abandoned is how old an unfinished host without a lock has to be before it is removed:
// earlier versions made hosts without one.
const abandoned = 24 * time.Hour

// List returns the hosts in dir, the Dir of Prepare, and what was left of ones that were
// never finished. The host that Open finds is in use, and so are those of running kernels
// and of a Prepare that is running.
func List(dir string) []scratch.Left {
	keep, _ := os.ReadFile(filepath.Join(dir, currentName))
	es, _ := os.ReadDir(dir)
	var list []scratch.Left
	for _, e := range es {
		path := filepath.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil || !e.IsDir() || !isHost(path) {
			continue
		}
		l := scratch.Left{Path: path, Bytes: scratch.Size(path), Used: info.ModTime(), InUse: e.Name() == strings.TrimSpace(string(keep))}
		if !l.InUse {
			lock, free := unused(path, info)
			if l.InUse = !free; lock != nil {
				lock.Close()
			}
		}
		list = append(list, l)
	}
	return list
}

// Clean removes what List returns and nothing uses. It returns how many bytes that freed.
func Clean(dir string) (freed int64, err error) {
	for _, l := range List(dir) {
		if l.InUse {
			continue
		}
		info, gone := os.Lstat(l.Path)
		if gone != nil {
			continue
		}
		lock, free := unused(l.Path, info) // held while it is removed, so that no kernel begins to use it
		if free {
			if e := os.RemoveAll(l.Path); e != nil {
				err = errors.Join(err, fmt.Errorf("build: %w", e))
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

// isHost reports whether a folder is a host, or the beginning of one.
func isHost(path string) bool {
	if strings.HasPrefix(filepath.Base(path), unfinished) {
		return true
	}
	_, err := os.Stat(filepath.Join(path, manifestName))
	return err == nil
}

// unused reports whether no process holds a host. It then returns its lock, which it still
// holds, if there is one.
func unused(path string, info fs.FileInfo) (l *os.File, free bool) {
	if _, err := os.Stat(filepath.Join(path, lockName)); errors.Is(err, fs.ErrNotExist) && !finished(path) {
		return nil, time.Since(info.ModTime()) > abandoned
	}
	l, err := lock(path, syscall.LOCK_EX|syscall.LOCK_NB)
	return l, err == nil
}

func finished(path string) bool { return !strings.HasPrefix(filepath.Base(path), unfinished) }

// lock locks the host in dir until the returned file is closed.
func lock(dir string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
