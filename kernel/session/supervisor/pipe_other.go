//go:build !linux

package supervisor

import "os"

// textPipe creates a pipe for a standard stream.
func textPipe() (r, w *os.File, err error) { return os.Pipe() }
