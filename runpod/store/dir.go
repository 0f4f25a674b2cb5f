package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Dir is a Store in a folder, which it makes when it first puts something there.
// Objects are files, with the permissions of their owner only, that appear whole
// or not at all.
type Dir string

var _ Store = Dir("")

// path turns a name into a file's.
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
func (d Dir) Put(ctx context.Context, name Name, content io.ReadSeeker, size int64) (err error) {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return dirError(name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".put-*")
	if err != nil {
		return dirError(name, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	// Large pieces: of a tensor in memory each is one copy into the page cache.
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, &interruptible{ctx, content}, make([]byte, min(size+1, 1<<20)))
	if err != nil {
		return dirError(name, err)
	}
	if n != size {
		return fmt.Errorf("store: %s: %w: %d bytes came, %d were announced", name, ErrCorrupt, n, size)
	}
	if err := f.Close(); err != nil {
		return dirError(name, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return dirError(name, err)
	}
	return nil
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

func dirError(name Name, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: %s: %w", name, ErrNotFound)
	}
	return fmt.Errorf("store: %s: %w", name, err)
}

// interruptible reads until ctx ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, context.Cause(i.ctx)
	}
	return i.r.Read(p)
}
