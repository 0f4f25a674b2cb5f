package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gopherpod/gopherpod/tensors/wording"
)

// Options of Send and Fetch. The zero value works.
type Options struct {
	// PartSize is the largest object in bytes; larger content is cut into parts. Default
	// 32 MiB.
	PartSize int64
	// Parallel is how many parts are sent or fetched at the same time; default 4.
	Parallel int
	// Limit is the most that Fetch reads, in bytes; default 4 GiB.
	Limit int64
}

func (o Options) complete() Options {
	if o.PartSize <= 0 {
		o.PartSize = 32 << 20
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.Limit <= 0 {
		o.Limit = 4 << 30
	}
	return o
}

// A Receipt says what Send did.
type Receipt struct {
	Digest string // digest of the content
	Size   int64  // bytes of content
	Sent   int64  // bytes that had to be sent
	Parts  int    // number of parts, 1 if the content was not cut
}

// String returns a text such as "9f3c41d2a0b7 40.0 MB, already there, 0 B sent".
func (r Receipt) String() string {
	how := fmt.Sprintf("%s sent", wording.Bytes(r.Sent))
	switch {
	case r.Sent == 0:
		how = "already there, 0 B sent"
	case r.Sent < r.Size:
		how = fmt.Sprintf("partly there, %s sent", wording.Bytes(r.Sent))
	}
	return fmt.Sprintf("%.12s %s, %s", r.Digest, wording.Bytes(r.Size), how)
}

// Send makes sure that the store has the content, and sends what it lacks. After an error,
// parts that have arrived stay, and the next Send resumes from there.
func Send(ctx context.Context, s Store, c Content, o Options) (Receipt, error) {
	o = o.complete()
	digest, l, err := describe(c, o.PartSize)
	if err != nil {
		return Receipt{}, fmt.Errorf("store: read the content: %w", err)
	}
	r := Receipt{Digest: digest, Size: c.Size(), Parts: max(len(l.Parts), 1)}
	whole, err := NameOf(digest)
	if err != nil {
		return r, err
	}
	if c.Size() <= o.PartSize {
		r.Sent, err = sendObject(ctx, s, whole, c, 0, c.Size())
		return r, err
	}
	listName, err := ListOf(digest)
	if err != nil {
		return r, err
	}
	// Lists are written after their parts: if there is a list, there are the parts.
	for _, name := range []Name{whole, listName} {
		if n, err := s.Size(ctx, name); err == nil && (name == listName || n == c.Size()) {
			return r, nil
		} else if err != nil && !errors.Is(err, ErrNotFound) {
			return r, err
		}
	}
	if r.Sent, err = sendParts(ctx, s, c, l, o.Parallel); err != nil {
		return r, err
	}
	text, err := json.Marshal(l)
	if err != nil {
		return r, err
	}
	return r, s.Put(ctx, listName, bytes.NewReader(text), int64(len(text)))
}

// describe computes the digests of content and of its parts, if there are several, at the
// same time.
func describe(c Content, partSize int64) (digest string, l list, err error) {
	if c.Size() <= partSize {
		digest, err = digestOf(c, 0, c.Size())
		return digest, l, err
	}
	var cutErr error
	var all sync.WaitGroup
	all.Go(func() { l, cutErr = cut(c, partSize) })
	digest, err = digestOf(c, 0, c.Size())
	all.Wait()
	return digest, l, errors.Join(err, cutErr)
}

// cut computes the digests of the parts of content.
func cut(c Content, partSize int64) (list, error) {
	l := list{Size: c.Size()}
	for from := int64(0); from < c.Size(); from += partSize {
		n := min(partSize, c.Size()-from)
		digest, err := digestOf(c, from, n)
		if err != nil {
			return l, err
		}
		l.Parts = append(l.Parts, part{digest, n})
	}
	return l, nil
}

// sendObject puts a section of content under a name, unless the object exists.
func sendObject(ctx context.Context, s Store, name Name, c Content, from, n int64) (sent int64, err error) {
	switch there, err := s.Size(ctx, name); {
	case err == nil && there == n:
		if k, ok := s.(Keeper); ok { // ignore errors: a lost record of use is not worth failing for
			k.Touch(ctx, name)
		}
		return 0, nil
	case err != nil && !errors.Is(err, ErrNotFound):
		return 0, err
	}
	if err := s.Put(ctx, name, io.NewSectionReader(c, from, n), n); err != nil {
		return 0, err
	}
	return n, nil
}

// sendParts sends the parts, several at the same time. It stops at the first error.
func sendParts(ctx context.Context, s Store, c Content, l list, parallel int) (sent int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, parallel)
	from := int64(0)
	for _, p := range l.Parts {
		at := from
		from += p.Size
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			name, err := NameOf(p.SHA256)
			var n int64
			if err == nil {
				n, err = sendObject(ctx, s, name, c, at, p.Size)
			}
			if err != nil {
				cancel(err)
			}
			mu.Lock()
			sent += n
			mu.Unlock()
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return sent, context.Cause(ctx)
	}
	return sent, nil
}
