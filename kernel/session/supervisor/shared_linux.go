package supervisor

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sharedFile returns a file of size zeros that no other process can open.
func sharedFile(_ string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("gopherpod-environment", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "environment")
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// cwd returns the working folder of a process, or "".
func cwd(pid int) string {
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return ""
	}
	return dir
}
