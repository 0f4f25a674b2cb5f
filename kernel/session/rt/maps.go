package rt

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mapsHint says why a module cannot be mapped if the process has used up the memory maps
// that the system grants it. In fast mode cells share their maps (arena.go); in classic
// mode, and if the system does not allow an arena, a cell takes five for good. The
// hint is empty otherwise, and on systems without /proc.
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
	other := ""
	if AddModuleData == 0 {
		other = ", use fast mode, in which cells take none (gopherpod install --mode fast)"
	}
	return fmt.Sprintf("; this session has %d memory maps of at most %d, because each cell that was run takes some: restart the kernel%s, or raise the limit before (as root: sysctl -w vm.max_map_count=%d)",
		have, most, other, 16*most)
}
