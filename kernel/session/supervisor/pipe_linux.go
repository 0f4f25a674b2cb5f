package supervisor

import (
	"os"
	"syscall"
)

const (
	fSetPipeSize = 1031    // F_SETPIPE_SZ of fcntl(2)
	pipeSize     = 1 << 20 // bytes; the most that the system allows unprivileged users
)

// textPipe creates a pipe for a standard stream. It is larger than usual, so that a cell
// that prints much need not wait for its reader, and it is read by a blocking call,
// because every write to a polled pipe wakes the poller.
func textPipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	syscall.Syscall(syscall.SYS_FCNTL, uintptr(fds[1]), fSetPipeSize, pipeSize) // if this is refused, the size stays as it is
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}
