package transfer

import (
	"fmt"
	"sync"

	"github.com/gopherpod/gopherpod/tensors"
)

// A Shared lets parcels with the same arrays compute each digest once, and send each array
// once even if the parcels are sent at the same time. The arrays must not change. The zero
// value is ready to use.
type Shared struct {
	sending sync.Mutex // held while data is sent

	mu      sync.Mutex
	digests map[sharedKey]string
}

// A sharedKey identifies an array by its memory, type and shape.
type sharedKey struct {
	data  *byte
	dtype tensors.DType
	shape string
}

func keyOf(t tensors.Tensor) (k sharedKey, ok bool) {
	if len(t.Data) == 0 {
		return k, false
	}
	return sharedKey{&t.Data[0], t.DType, fmt.Sprint(t.Shape)}, true
}

func (s *Shared) lock() {
	if s != nil {
		s.sending.Lock()
	}
}

func (s *Shared) unlock() {
	if s != nil {
		s.sending.Unlock()
	}
}

// digest returns the digest of an array if it is known, else "".
func (s *Shared) digest(t tensors.Tensor) string {
	k, ok := keyOf(t)
	if s == nil || !ok {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.digests[k]
}

func (s *Shared) learn(t tensors.Tensor, digest string) {
	k, ok := keyOf(t)
	if s == nil || !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.digests == nil {
		s.digests = map[sharedKey]string{}
	}
	s.digests[k] = digest
}
