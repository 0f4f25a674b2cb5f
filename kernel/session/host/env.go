package host

import (
	"os"
	"sync"
)

// maxEnv bounds a variable that is reported, in bytes.
const maxEnv = 64 << 10

// changes finds what cells have changed in the environment, so that the kernel process
// knows which secrets there are.
type changes struct {
	mu   sync.Mutex
	seen map[string]bool // entries, NAME=value
}

// next returns the entries that are new since the last call, and of the first call none:
// the kernel process has made that environment.
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
