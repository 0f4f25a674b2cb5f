//go:build !unix

package scratch

import (
	"io/fs"
	"os"
)

// hold opens a file; it keeps no other process out on this system.
func hold(path string, flags int) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|flags, 0o600)
}

// mine reports whether a file belongs to this user, which this system does not say.
func mine(fs.FileInfo) bool { return true }

// freeBytes does not know.
func freeBytes(string) (uint64, bool) { return 0, false }

// runnable reports nothing on this system.
func runnable(string) error { return nil }
