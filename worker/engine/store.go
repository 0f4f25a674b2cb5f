package engine

import (
	"container/list"
	"sync"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A Store keeps arrays by digest, so that a data set travels once. It may be used
// by several goroutines at once.
type Store interface {
	// Get returns the array with this digest; it must not be changed.
	Get(digest string) (t tensors.Tensor, ok bool)
	// Put keeps t and returns its digest.
	Put(t tensors.Tensor) (digest string, err error)
}

// MemoryStore returns a Store in memory that drops what was not used for longest
// when it holds more than limit bytes.
func MemoryStore(limit int64) Store {
	return &memoryStore{limit: limit, byDigest: map[string]*list.Element{}, recent: list.New()}
}

type memoryStore struct {
	limit int64

	mu       sync.Mutex
	size     int64
	byDigest map[string]*list.Element // of recent
	recent   *list.List               // of stored, newest first
}

type stored struct {
	digest string
	t      tensors.Tensor
}

func (s *memoryStore) Get(digest string) (tensors.Tensor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byDigest[digest]
	if !ok {
		return tensors.Tensor{}, false
	}
	s.recent.MoveToFront(e)
	return e.Value.(stored).t, true
}

func (s *memoryStore) Put(t tensors.Tensor) (string, error) {
	digest := t.Digest()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byDigest[digest]; ok {
		s.recent.MoveToFront(e)
		return digest, nil
	}
	t = t.Clone() // what a request decoded lies in the request's memory
	s.byDigest[digest] = s.recent.PushFront(stored{digest, t})
	s.size += int64(len(t.Data))
	for s.size > s.limit && s.recent.Len() > 1 {
		last := s.recent.Remove(s.recent.Back()).(stored)
		delete(s.byDigest, last.digest)
		s.size -= int64(len(last.t.Data))
	}
	return digest, nil
}

// store answers the operation: it keeps the request's tensors, and says which of
// the digests that it is asked for are there.
func store(r *worker.Request, a *arrays) (*worker.Response, error) {
	answer := &worker.Response{Operation: r.Operation, Status: "success", Stored: map[string]string{}}
	if len(a.named) == 0 && len(r.Have) == 0 {
		return nil, worker.Invalid("tensors", "there is nothing to store, and no digest to look for")
	}
	for _, name := range a.named.Names() {
		digest, err := a.store.Put(a.named[name])
		if err != nil {
			return nil, err
		}
		answer.Stored[name] = digest
	}
	for _, digest := range r.Have {
		if _, ok := a.store.Get(digest); ok {
			answer.Have = append(answer.Have, digest)
		} else {
			answer.Missing = append(answer.Missing, digest)
		}
	}
	return answer, nil
}
