package host

import (
	"os"
	"strconv"
	"sync"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/rt"
)

// logEnvironment shares with the kernel process what cells put into the environment, if the
// kernel has memory for it.
func logEnvironment() {
	fd, err := strconv.Atoi(os.Getenv(frame.EnvLogEnv))
	if err != nil {
		return
	}
	os.Unsetenv(frame.EnvLogEnv)
	if mem, err := syscall.Mmap(fd, 0, frame.EnvLogSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED); err == nil {
		rt.LogEnvironment(mem)
	}
	syscall.Close(fd)
}

// maxEnv is the size in bytes of the largest variable that is reported.
const maxEnv = 64 << 10

// changes tracks what cells change in the environment, so that the kernel process
// knows at the end of each cell which secrets it contains.
type changes struct {
	mu   sync.Mutex
	seen map[string]bool // entries, NAME=value
}

// next returns the entries that are new since the last call. The first call returns
// none, because the kernel process has set that environment itself.
func (c *changes) next() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.seen == nil
	if first {
		c.seen = map[string]bool{}
	}
	var fresh []string
	for _, entry := range os.Environ() {
		if c.seen[entry] || len(entry) > maxEnv {
			continue
		}
		c.seen[entry] = true
		if !first {
			fresh = append(fresh, entry)
		}
	}
	return fresh
}
