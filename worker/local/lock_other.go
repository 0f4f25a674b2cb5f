//go:build !unix

package local

import (
	"io"
	"os"
)

// locksHold reports whether lockFile keeps other processes out.
const locksHold = false

// lockFile opens the file. It does not keep other processes out on this system.
func lockFile(path string) (io.Closer, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
