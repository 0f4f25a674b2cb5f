//go:build unix

package local

import (
	"io"
	"os"
	"syscall"
)

// locksHold reports whether lockFile keeps other processes out.
const locksHold = true

// lockFile locks a file for this process until it is closed or the process
// exits.
func lockFile(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
