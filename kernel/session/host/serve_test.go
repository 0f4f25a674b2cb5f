package host

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// A session exits with its kernel even while it handles a command that never returns.
func TestServeEndsWithItsKernel(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	var commands bytes.Buffer
	if err := frame.Write(&commands, frame.Command{Op: frame.Stdin, File: pipe}); err != nil { // opening it blocks
		t.Fatal(err)
	}
	if err := (&host{}).serve(&commands); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want io.EOF", err)
	}
}
