package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker/engine"
)

// maxFolderFile bounds a file of the folder, in bytes.
const maxFolderFile = 64 << 30

// FolderStore is a store of arrays for the Go engine that outlives it: a folder
// with the layout of a network volume, data/<2 digits>/<digest>.safetensors with
// one tensor "data", so that what a client puts there is what a job refers to by
// {"sha256": digest}. What was used last is kept in memory as well, limit bytes at
// most. A file whose content does not have its digest is not there.
func FolderStore(root string, limit int64) engine.Store {
	return &folderStore{root: root, memory: engine.MemoryStore(limit)}
}

type folderStore struct {
	root   string
	memory engine.Store
}

var _ engine.Store = (*folderStore)(nil)

func (s *folderStore) path(digest string) string {
	return filepath.Join(s.root, "data", digest[:2], digest+".safetensors")
}

// Get implements engine.Store.
func (s *folderStore) Get(digest string) (tensors.Tensor, bool) {
	if !tensors.ValidDigest(digest) {
		return tensors.Tensor{}, false
	}
	if t, ok := s.memory.Get(digest); ok {
		return t, true
	}
	t, err := readTensor(s.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return tensors.Tensor{}, false
	}
	if err != nil || t.Digest() != digest {
		os.Remove(s.path(digest)) // damaged: so that it is sent again
		return tensors.Tensor{}, false
	}
	s.keep(digest, t)
	return t, true
}

// keep puts an array of our own into memory, where that can be done without a copy.
func (s *folderStore) keep(digest string, t tensors.Tensor) {
	if k, ok := s.memory.(interface {
		Keep(digest string, t tensors.Tensor)
	}); ok {
		k.Keep(digest, t)
	}
}

// Drop removes an array.
func (s *folderStore) Drop(digest string) {
	if !tensors.ValidDigest(digest) {
		return
	}
	if d, ok := s.memory.(interface{ Drop(digest string) }); ok {
		d.Drop(digest)
	}
	os.Remove(s.path(digest))
}

func readTensor(path string) (tensors.Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return tensors.Tensor{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return tensors.Tensor{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFolderFile {
		return tensors.Tensor{}, fmt.Errorf("local: store: %s is not a file of a tensor", path)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return tensors.Tensor{}, err
	}
	set, _, err := tensors.DecodeSafetensors(b)
	if err != nil {
		return tensors.Tensor{}, err
	}
	t, ok := set["data"]
	if !ok || len(set) != 1 {
		return t, fmt.Errorf("local: store: %s has other tensors than one called data", path)
	}
	return t, t.Validate()
}

// Put implements engine.Store. The file appears whole or not at all.
func (s *folderStore) Put(t tensors.Tensor) (string, error) {
	pieces, err := tensors.SafetensorsPieces(tensors.Set{"data": t}, nil)
	if err != nil {
		return "", err
	}
	digest := t.Digest()
	path := s.path(digest)
	if _, err := os.Stat(path); err == nil {
		return digest, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("local: store: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return "", fmt.Errorf("local: store: %w", err)
	}
	for _, p := range pieces {
		if err == nil {
			_, err = f.Write(p)
		}
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("local: store: %w", err)
	}
	return digest, nil
}
