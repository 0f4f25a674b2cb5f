package host

import (
	"os"
	"sync"
)

// maxEnv is the size in bytes of the largest variable that is reported.
const maxEnv = 64 << 10

// changes tracks what cells change in the environment, so that the kernel process
// knows which secrets it contains.
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
