package rt

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mapsHint says why a module cannot be mapped if the process has used up the memory
// maps that the system grants it: a cell takes about five, permanently. It is empty
// otherwise, and on systems without /proc.
func mapsHint() string {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return ""
	}
	limit, err := os.ReadFile("/proc/sys/vm/max_map_count")
	if err != nil {
		return ""
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	if err != nil {
		return ""
	}
	return mapsText(bytes.Count(maps, []byte("\n")), most)
}

// mapsText returns the hint for a process that has this many maps of at most that many.
func mapsText(have, most int) string {
	const margin = 32 // what one module may need at once
	if have+margin < most {
		return ""
	}
	return fmt.Sprintf("; this session has %d memory maps of at most %d, as each cell that was run takes some: restart the kernel, or raise the limit before (as root: sysctl -w vm.max_map_count=%d)", have, most, 16*most)
}
