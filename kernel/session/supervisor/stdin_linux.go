package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// readCall is how /proc shows a thread that is blocked in read(0, ...): the number of
// the system call and the descriptor.
var readCall = map[string]string{"amd64": "0 0x0 ", "arm64": "63 0x0 "}[runtime.GOARCH]

// waitsForInput reports whether a thread of the process, or of its children, is waiting
// to read from the empty pipe on its standard input.
func waitsForInput(pid int, pipe *os.File) bool {
	if readCall == "" || pending(pipe) != 0 {
		return false
	}
	return reads(pid, 0)
}

// maxDepth bounds the walk over children: a shell, its command, and so on.
const maxDepth = 6

func reads(pid, depth int) bool {
	calls, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, f := range calls {
		b, err := os.ReadFile(f)
		if err == nil && strings.HasPrefix(string(b), readCall) && (depth == 0 || samePipe(pid)) {
			return true
		}
		if depth == maxDepth {
			continue
		}
		b, _ = os.ReadFile(filepath.Join(filepath.Dir(f), "children"))
		for _, c := range strings.Fields(string(b)) {
			var child int
			if _, err := fmt.Sscan(c, &child); err == nil && reads(child, depth+1) {
				return true
			}
		}
	}
	return false
}

// samePipe reports whether a child reads from the same pipe as its parent: the end of
// a pipeline reads from another one.
func samePipe(pid int) bool {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", pid))
	if err != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// pid (name) state parent ...; the name may hold anything.
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(f) < 2 {
		return false
	}
	parent, err := os.Readlink("/proc/" + f[1] + "/fd/0")
	return err == nil && own == parent
}

// pending returns how many bytes in the pipe have not been read yet.
func pending(pipe *os.File) int32 {
	var n int32
	raw, err := pipe.SyscallConn()
	if err != nil {
		return 0
	}
	const fionread = 0x541b // asm-generic/ioctls.h
	raw.Control(func(fd uintptr) {
		syscall.Syscall(syscall.SYS_IOCTL, fd, fionread, uintptr(unsafe.Pointer(&n)))
	})
	return n
}
