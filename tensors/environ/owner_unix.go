//go:build unix

package environ

import (
	"io/fs"
	"os"
	"syscall"
)

// nonBlocking keeps the opening of a FIFO without a writer from waiting for one.
const nonBlocking = syscall.O_NONBLOCK | syscall.O_NOCTTY

// trusted reports whether the file belongs to the user or to root.
func trusted(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && (s.Uid == 0 || int(s.Uid) == os.Geteuid())
}
