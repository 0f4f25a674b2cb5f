// Package memory reports how much memory this process can still allocate, so that
// decoders can refuse what would not fit before they allocate it.
package memory

import (
	"math"
	"os"
	"strconv"
	"strings"
)

// unknown is what Available returns if the system does not report its memory (not
// Linux): 8 GiB.
const unknown = 8 << 30

// Available returns the bytes that can be allocated without swapping: MemAvailable of
// Linux (see proc(5)), or the rest of the control group's limit (memory.max of cgroup v2,
// memory.limit_in_bytes of v1) if that is less. It returns 8 GiB if the system reports
// neither. The figure may change at any time, because other processes allocate too.
func Available() uint64 { return available(os.ReadFile) }

func available(read func(string) ([]byte, error)) uint64 {
	free := uint64(math.MaxUint64)
	if text, err := read("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
				if kb, err := strconv.ParseUint(strings.Fields(rest + " 0")[0], 10, 54); err == nil {
					free = kb << 10
				}
			}
		}
	}
	groups := [][2]string{
		{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
		{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"},
	}
	for _, g := range groups {
		limit, ok := number(read, g[0])
		used, known := number(read, g[1])
		if ok && known {
			free = min(free, max(limit, used)-used)
		}
	}
	if free == math.MaxUint64 {
		return unknown
	}
	return free
}

// number reads a file that holds one number; "max" means no limit.
func number(read func(string) ([]byte, error), path string) (uint64, bool) {
	text, err := read(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}
