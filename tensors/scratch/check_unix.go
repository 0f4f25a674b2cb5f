//go:build unix

package scratch

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Locks reports whether Hold keeps other processes out.
const Locks = true

// Hold opens a file, which must not be a link, and locks it until it is closed or the
// process ends.
func Hold(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flags|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// mine reports whether a file belongs to this user.
func mine(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}

// freeBytes returns how many bytes this user may still write.
func freeBytes(dir string) (uint64, bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}

// runnable returns an error if the code in a file cannot be run, as it is when a library
// is loaded: the file system may be mounted noexec.
func runnable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return reason(err)
	}
	defer f.Close()
	b, err := syscall.Mmap(int(f.Fd()), 0, os.Getpagesize(), syscall.PROT_READ|syscall.PROT_EXEC, syscall.MAP_PRIVATE)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return errors.New("it does not allow programs (mounted noexec)")
	}
	if err != nil {
		return err
	}
	return syscall.Munmap(b)
}
