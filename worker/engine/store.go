package engine

import (
	"container/list"
	"fmt"
	"sync"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A Store keeps arrays by digest, so that a data set is sent only once. It may be
// used by several goroutines at once.
type Store interface {
	// Get returns the array with this digest; it must not be changed.
	Get(digest string) (t tensors.Tensor, ok bool)
	// Put keeps t and returns its digest.
	Put(t tensors.Tensor) (digest string, err error)
}

// MemoryStore returns a Store in memory. When it holds more than limit bytes it drops the
// least recently used arrays.
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
	s.keepLocked(digest, t.Clone()) // a decoded array shares the request's memory
	return digest, nil
}

// Keep stores an array without copying it. The caller has verified its digest
// and must not change it afterwards.
func (s *memoryStore) Keep(digest string, t tensors.Tensor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byDigest[digest]; !ok {
		s.keepLocked(digest, t)
	}
}

// Drop removes an array.
func (s *memoryStore) Drop(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byDigest[digest]; ok {
		s.removeLocked(e)
	}
}

func (s *memoryStore) removeLocked(e *list.Element) {
	old := s.recent.Remove(e).(stored)
	delete(s.byDigest, old.digest)
	s.size -= int64(len(old.t.Data))
}

func (s *memoryStore) keepLocked(digest string, t tensors.Tensor) {
	s.byDigest[digest] = s.recent.PushFront(stored{digest, t})
	s.size += int64(len(t.Data))
	for s.size > s.limit && s.recent.Len() > 1 {
		s.removeLocked(s.recent.Back())
	}
}

// store answers the operation store: it keeps the request's tensors and reports which of
// the requested digests are present.
func store(r *worker.Request, a *arrays, limit int64) (*worker.Response, error) {
	answer := &worker.Response{Operation: r.Operation, Status: "success", Stored: map[string]string{}}
	if len(a.named) == 0 && len(r.Have) == 0 && len(r.Join) == 0 {
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
	for i, j := range r.Join {
		missing, err := join(a.store, j, limit)
		if err != nil {
			return nil, under(fmt.Sprintf("join[%d]", i), err)
		}
		if len(missing) == 0 {
			answer.Have = append(answer.Have, j.SHA256)
		}
		answer.Missing = append(answer.Missing, missing...)
	}
	return answer, nil
}

// join assembles an array and releases its parts, or returns the parts that are missing.
func join(s Store, j worker.Join, limit int64) (missing []string, err error) {
	if _, ok := s.Get(j.SHA256); ok {
		return nil, nil
	}
	n, _ := worker.Elements(j.Shape)
	size := int64(n) * int64(j.DType.Size())
	if size > limit {
		return nil, worker.Invalid(".shape", fmt.Sprintf("%d bytes, over the limit of %d", size, limit))
	}
	pieces := make([][]byte, len(j.Parts))
	left := size
	for i, digest := range j.Parts {
		t, ok := s.Get(digest)
		if !ok {
			missing = append(missing, digest)
			continue
		}
		if left -= int64(len(t.Data)); t.DType != tensors.Uint8 || left < 0 {
			return nil, worker.Invalid(fmt.Sprintf(".parts[%d]", i), fmt.Sprintf("%v is not a piece of an array of %d bytes", t, size))
		}
		pieces[i] = t.Data
	}
	if missing != nil {
		return missing, nil
	}
	if left != 0 {
		return nil, worker.Invalid(".parts", fmt.Sprintf("have %d bytes fewer than the array", left))
	}
	whole := tensors.Tensor{DType: j.DType, Shape: j.Shape, Data: make([]byte, 0, size)}
	for _, p := range pieces {
		whole.Data = append(whole.Data, p...)
	}
	if err := whole.Validate(); err != nil {
		return nil, worker.Invalid("", trim(err))
	}
	if whole.Digest() != j.SHA256 {
		return nil, worker.Invalid(".sha256", "is not the digest of the parts put together")
	}
	if d, ok := s.(interface{ Drop(digest string) }); ok {
		for _, digest := range j.Parts {
			d.Drop(digest)
		}
	}
	if m, ok := s.(*memoryStore); ok { // without another copy
		m.Keep(j.SHA256, whole)
		return nil, nil
	}
	_, err = s.Put(whole)
	return nil, err
}
