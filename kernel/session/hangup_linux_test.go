package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// hangUp closes our end of the pipe that a session process reads its commands from, as
// happens when the kernel dies.
func hangUp(t *testing.T, pid int) {
	t.Helper()
	pipe, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/3", pid))
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	closed := 0
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, f := range fds {
		if to, err := os.Readlink(f); err != nil || to != pipe {
			continue
		}
		fd, _ := strconv.Atoi(filepath.Base(f))
		if err := syscall.Dup3(int(null.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		closed++
	}
	if closed != 1 {
		t.Fatalf("%d ends of the pipe", closed)
	}
}
