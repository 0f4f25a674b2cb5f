package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker/engine"
)

// maxFolderFile bounds a file of the folder, in bytes.
const maxFolderFile = 64 << 30

// FolderStore returns a store of arrays that outlives the Go engine that uses it: a
// folder with the layout of a network volume, data/<2 digits>/<digest>.safetensors
// with one tensor "data". A job refers to an array that a client puts there by
// {"sha256": digest}. The arrays used last are kept in memory as well, limit bytes
// at most. A file whose content does not match its digest counts as missing and is
// removed.
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
	s.touch(digest)
	if t, ok := s.memory.Get(digest); ok {
		return t, true
	}
	t, found, err := readTensor(s.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return tensors.Tensor{}, false
	}
	if err != nil || found != digest {
		os.Remove(s.path(digest)) // damaged: remove it, so that the client sends it again
		return tensors.Tensor{}, false
	}
	s.Keep(digest, t)
	return t, true
}

// touch updates a file's modification time, so that pruning the folder spares
// files in use.
func (s *folderStore) touch(digest string) {
	if info, err := os.Stat(s.path(digest)); err == nil && time.Since(info.ModTime()) > time.Hour {
		os.Chtimes(s.path(digest), time.Time{}, time.Now())
	}
}

// Keep puts an array into memory only. The caller has verified the array and must
// not change it afterwards.
func (s *folderStore) Keep(digest string, t tensors.Tensor) {
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

// readTensor reads the tensor of a file and computes its digest, hashing one piece
// while it reads the next.
func readTensor(path string) (t tensors.Tensor, digest string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return t, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return t, "", err
	}
	if !info.Mode().IsRegular() || info.Size() < 8 || info.Size() > maxFolderFile {
		return t, "", fmt.Errorf("local: store: %s is not a file of a tensor", path)
	}
	b := tensors.Scratch(int(info.Size()))
	if _, err := io.ReadFull(f, b[:8]); err != nil {
		return t, "", err
	}
	head := binary.LittleEndian.Uint64(b)
	if head > uint64(len(b)-8) {
		return t, "", fmt.Errorf("local: store: %s is not a file of a tensor", path)
	}
	if _, err := io.ReadFull(f, b[8:8+head]); err != nil {
		return t, "", err
	}
	set, _, err := tensors.DecodeSafetensors(b) // reads the header only
	if err != nil {
		return t, "", err
	}
	t, ok := set["data"]
	if !ok || len(set) != 1 {
		return t, "", fmt.Errorf("local: store: %s: want exactly one tensor, named data", path)
	}
	pieces, err := t.Pieces()
	if err != nil {
		return t, "", err
	}
	hash := tensors.NewHash()
	hash.Write(pieces[0])
	if err := readHashing(f, b[8+head:], hash); err != nil {
		return t, "", err
	}
	return t, hash.Digest(), t.Validate()
}

// readHashing fills b from r and hashes one piece while it reads the next.
func readHashing(r io.Reader, b []byte, h *tensors.Hash) error {
	pieces := make(chan []byte, 64)
	failed := make(chan error, 1)
	go func() {
		defer close(pieces)
		for p := range slices.Chunk(b, 256<<10) {
			if _, err := io.ReadFull(r, p); err != nil {
				failed <- err
				return
			}
			pieces <- p
		}
		failed <- nil
	}()
	for p := range pieces {
		h.Write(p)
	}
	return <-failed
}

// Put implements engine.Store. Other processes see the whole file or none.
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
