package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
)

// A Dir is a Store in a folder, which it creates when it first stores something. Objects are
// files that only their owner can read. A file appears complete or not at all.
type Dir string

var _ Keeper = Dir("")

// path returns the path of the file for a name.
func (d Dir) path(name Name) (string, error) {
	if err := name.Check(); err != nil {
		return "", err
	}
	return filepath.Join(string(d), filepath.FromSlash(string(name))), nil
}

// Size implements Store.
func (d Dir) Size(ctx context.Context, name Name) (int64, error) {
	path, err := d.path(name)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, dirError(name, err)
	}
	return info.Size(), nil
}

// Get implements Store.
func (d Dir) Get(ctx context.Context, name Name) (io.ReadCloser, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, dirError(name, err)
	}
	return f, nil
}

// Put implements Store.
func (d Dir) Put(ctx context.Context, name Name, content io.ReadSeeker, size int64) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	temporary, err := d.write(ctx, filepath.Dir(path), content, size)
	if err != nil {
		return dirError(name, err)
	}
	return d.place(temporary, name)
}

// write creates a temporary file in a folder and returns its path.
func (d Dir) write(ctx context.Context, folder string, content io.Reader, size int64) (path string, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(folder, ".put-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	n, err := copyPieces(ctx, f, content)
	if err != nil {
		return "", err
	}
	if n != size {
		return "", fmt.Errorf("%w: got %d bytes, want %d", ErrCorrupt, n, size)
	}
	return f.Name(), f.Close()
}

// pieceSize is how many bytes are written at a time. For larger pieces, Linux allocates
// large pieces of page cache, which a virtual machine must get from its host first: writing
// 1 GB took 1.1 to 1.9 s in pieces of 4 MB and 0.3 s in pieces of 64 KB.
const pieceSize = 64 << 10

// copyPieces writes content to f. It stops when ctx is done. It does not copy content that is
// in memory.
func copyPieces(ctx context.Context, f io.Writer, content io.Reader) (n int64, err error) {
	w := &interruptible{ctx, f}
	if section, ok := content.(*io.SectionReader); ok {
		r, from, size := section.Outer()
		m, memory := r.(*memory)
		if at, seekErr := section.Seek(0, io.SeekCurrent); memory && seekErr == nil && at == 0 {
			m.each(from, size, func(b []byte) {
				for piece := range slices.Chunk(b, pieceSize) {
					if err == nil {
						_, err = w.Write(piece)
						n += int64(len(piece))
					}
				}
			})
			return n, err
		}
	}
	return io.CopyBuffer(w, struct{ io.Reader }{content}, make([]byte, pieceSize))
}

// place renames a temporary file to the file of an object.
func (d Dir) place(temporary string, name Name) error {
	path, err := d.path(name)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		os.Remove(temporary)
		return dirError(name, err)
	}
	return nil
}

// hasTensorOf reports whether the store has a tensor file of that length.
func (d Dir) hasTensorOf(size int64) bool {
	files, err := filepath.Glob(filepath.Join(globEscape.Replace(string(d)), "data", "??", "*.safetensors"))
	if err != nil {
		return true
	}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && info.Size() == size {
			return true
		}
	}
	return false
}

var globEscape = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)

// putNew stores a tensor that cannot be in the store yet. It computes the digest while it
// writes.
func (d Dir) putNew(ctx context.Context, t tensors.Tensor, c Content) (digest string, err error) {
	hashed := make(chan string, 1)
	go func() { hashed <- t.Digest() }()
	temporary, err := d.write(ctx, filepath.Join(string(d), "data"), io.NewSectionReader(c, 0, c.Size()), c.Size())
	digest = <-hashed
	if err != nil {
		return digest, fmt.Errorf("store: %.12s: %w", digest, err)
	}
	name, err := TensorName(digest)
	if err != nil {
		return digest, err
	}
	return digest, d.place(temporary, name)
}

// Delete implements Store.
func (d Dir) Delete(ctx context.Context, name Name) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return dirError(name, err)
	}
	return nil
}

// List implements Keeper.
func (d Dir) List(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		err := filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if errors.Is(err, fs.ErrNotExist) { // removed meanwhile, or the store is empty
				return nil
			}
			if err != nil || e.IsDir() {
				return err
			}
			rel, err := filepath.Rel(string(d), path)
			name := Name(filepath.ToSlash(rel))
			if err != nil || !name.Valid() {
				return err
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && !yield(Object{name, info.Size(), info.ModTime()}, nil) {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			yield(Object{}, fmt.Errorf("store: list %s: %w", string(d), err))
		}
	}
}

// Touch implements Keeper.
func (d Dir) Touch(_ context.Context, name Name) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if now := time.Now(); err == nil && now.Sub(info.ModTime()) > TouchEvery {
		err = os.Chtimes(path, now, now)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return dirError(name, err)
	}
	return nil
}

func dirError(name Name, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: %s: %w", name, ErrNotFound)
	}
	return fmt.Errorf("store: %s: %w", name, err)
}

// An interruptible writer fails when ctx is done.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

func (i *interruptible) Write(p []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, context.Cause(i.ctx)
	}
	return i.w.Write(p)
}
