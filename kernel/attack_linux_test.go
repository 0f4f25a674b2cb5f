package kernel_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

// Another user of the machine cannot open the ipc sockets, even in a world-writable folder
// and with a umask of 0.
func TestIPCRefusesOtherUsers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can try as another user")
	}
	dir, err := os.MkdirTemp("", "ipc")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0))
	conn := kernel.ConnectionInfo{
		Transport: "ipc", IP: filepath.Join(dir, "s"), Key: rand.Text(),
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
	}
	c := kerneltest.StartAt(t, conn, basic())
	connect := func(user int) error {
		result := make(chan error)
		go func() {
			runtime.LockOSThread() // never unlocked, so the thread with the other user id ends with the goroutine
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			if err == nil {
				defer syscall.Close(fd)
				if err = syscall.Setfsuid(user); err == nil {
					err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: conn.IP + "-2"})
				}
			}
			result <- err
		}()
		return <-result
	}
	if err := connect(65534); !errors.Is(err, syscall.EACCES) {
		t.Errorf("another user: %v, want EACCES", err)
	}
	if err := connect(0); err != nil {
		t.Errorf("the owner: %v", err)
	}
	if r := c.Execute("hello"); r.Status() != "ok" {
		t.Errorf("%v", r.Reply.Content)
	}
}
