package supervisor

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// memory returns the most memory that a process used, in bytes, and the most that it
// could have used: that of the machine or of its control group.
func memory(st *os.ProcessState) (used, all uint64) {
	if r, ok := st.SysUsage().(*syscall.Rusage); ok {
		used = uint64(r.Maxrss) << 10 // kB on Linux
	}
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		all = uint64(info.Totalram) * uint64(info.Unit)
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err == nil && limit < all {
			all = limit
		}
	}
	return used, all
}
