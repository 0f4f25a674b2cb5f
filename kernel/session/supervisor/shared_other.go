//go:build !linux

package supervisor

import (
	"os"
)

// sharedFile returns a file of size zeros that no other process can open. The zeros are
// written, because a write to a mapped hole of a full disk would kill the process.
func sharedFile(dir string, size int64) (*os.File, error) {
	f, err := os.CreateTemp(dir, "environment-")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	if _, err := f.Write(make([]byte, size)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// cwd returns the working folder of a process, or "".
func cwd(int) string { return "" }
