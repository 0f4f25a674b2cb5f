package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gopherpod/gopherpod/tensors"
)

// Fetch returns the content with that digest. It joins the parts and verifies the whole.
func Fetch(ctx context.Context, s Store, digest string, o Options) ([]byte, error) {
	o = o.complete()
	whole, err := NameOf(digest)
	if err != nil {
		return nil, err
	}
	n, err := s.Size(ctx, whole)
	if err == nil {
		if n > o.Limit {
			return nil, fmt.Errorf("store: %.12s: %w: %d bytes, over the limit of %d", digest, ErrTooLarge, n, o.Limit)
		}
		out := make([]byte, n)
		return out, fetchInto(ctx, s, digest, out)
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	l, err := readList(ctx, s, digest)
	if err != nil {
		return nil, err
	}
	if l.Size > o.Limit {
		return nil, fmt.Errorf("store: %.12s: %w: %d bytes, over the limit of %d", digest, ErrTooLarge, l.Size, o.Limit)
	}
	out, err := fetchParts(ctx, s, l, o.Parallel)
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound) {
		// A list promises its parts. If one is gone, remove the list, so that Send notices.
		name, _ := ListOf(digest)
		return nil, errors.Join(err, s.Delete(ctx, name))
	}
	if err == nil && tensors.DigestOf(out) != digest {
		name, _ := ListOf(digest)
		err = damaged(ctx, s, name, "its parts are intact, and the whole has another digest")
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func readList(ctx context.Context, s Store, digest string) (l list, err error) {
	name, err := ListOf(digest)
	if err != nil {
		return l, err
	}
	r, err := s.Get(ctx, name)
	if err != nil {
		return l, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxList+1))
	if err != nil {
		return l, fmt.Errorf("store: %.12s: read the list of parts: %w", digest, err)
	}
	if len(text) > maxList {
		return l, damaged(ctx, s, name, "a list of parts that is too long")
	}
	if json.Unmarshal(text, &l) != nil || !l.valid() {
		return l, damaged(ctx, s, name, "not a parts list")
	}
	return l, nil
}

// fetchParts reads the parts into one piece of memory. It checks the sizes of all parts
// first, so that a list cannot make it allocate more memory than its parts have.
func fetchParts(ctx context.Context, s Store, l list, parallel int) ([]byte, error) {
	for _, p := range l.Parts {
		name, err := NameOf(p.SHA256)
		if err != nil {
			return nil, err
		}
		if n, err := s.Size(ctx, name); err != nil {
			return nil, err
		} else if n != p.Size {
			return nil, fmt.Errorf("store: %.12s: %w: %d bytes, and the list says %d", p.SHA256, ErrCorrupt, n, p.Size)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]byte, l.Size)
	rest := out
	slots := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for _, p := range l.Parts {
		into := rest[:p.Size]
		rest = rest[p.Size:]
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			if err := fetchInto(ctx, s, p.SHA256, into); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// fetchInto reads the object with that digest into out and verifies it.
func fetchInto(ctx context.Context, s Store, digest string, out []byte) error {
	name, err := NameOf(digest)
	if err != nil {
		return err
	}
	r, err := s.Get(ctx, name)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.ReadFull(r, out); err != nil {
		return fmt.Errorf("store: %.12s: %w: %w", digest, ErrCorrupt, err)
	}
	if n, _ := r.Read(make([]byte, 1)); n > 0 {
		return damaged(ctx, s, name, "it is too long")
	}
	if tensors.DigestOf(out) != digest {
		return damaged(ctx, s, name, "its bytes have another digest")
	}
	return nil
}
