package wire

import (
	"crypto/sha256"
	"sync"
)

// remembered is how many signatures a Seen holds, as many as Jupyter's own kernels
// remember.
const remembered = 1 << 16

// Seen remembers the signatures of the last messages, so that a recorded message cannot be
// replayed. The zero value is empty. Unsigned messages (those with an empty key) always
// count as new. Its methods may be called from any goroutine.
type Seen struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]bool
	order [][sha256.Size]byte // a ring once it is full
	next  int
}

// First reports whether a verified signature is new, and remembers it.
func (s *Seen) First(signature []byte) bool {
	if len(signature) == 0 {
		return true
	}
	sum := sha256.Sum256(signature) // of fixed length, whatever was received
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[sum] {
		return false
	}
	if s.known == nil {
		s.known = map[[sha256.Size]byte]bool{}
	}
	if len(s.order) < remembered {
		s.order = append(s.order, sum)
	} else {
		delete(s.known, s.order[s.next])
		s.order[s.next] = sum
		s.next = (s.next + 1) % remembered
	}
	s.known[sum] = true
	return true
}
