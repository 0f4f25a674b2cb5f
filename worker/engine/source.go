package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/address"
)

// fetch reads the request's sources that the store lacks, verifies them, and keeps
// them in memory.
func (a *arrays) fetch(ctx context.Context, r *worker.Request, o *Options) error {
	for _, digest := range slices.Sorted(maps.Keys(r.Sources)) {
		if a.fetched[digest].Data != nil {
			continue
		}
		if a.store != nil {
			if _, ok := a.store.Get(digest); ok {
				continue
			}
		}
		t, err := fetchOne(ctx, digest, r.Sources[digest], o)
		if err != nil {
			return err
		}
		a.fetched[digest] = t
		if k, ok := a.store.(interface {
			Keep(digest string, t tensors.Tensor)
		}); ok {
			k.Keep(digest, t)
		}
	}
	return nil
}

func fetchOne(ctx context.Context, digest string, s worker.Source, o *Options) (tensors.Tensor, error) {
	if s.Bytes > o.maxBytes() {
		return tensors.Tensor{}, worker.Invalid("sources", fmt.Sprintf("%.12s has %d bytes, over the limit of %d", digest, s.Bytes, o.maxBytes()))
	}
	b, err := o.Addresses.Read(ctx, s.URL, s.Bytes)
	if err != nil {
		return tensors.Tensor{}, addressError(ctx, "sources", fmt.Sprintf("%.12s", digest), err)
	}
	set, _, err := tensors.DecodeSafetensors(b)
	if err == nil {
		if t := set["data"]; len(set) == 1 && t.Validate() == nil && t.Digest() == digest {
			return t, nil
		}
	}
	return tensors.Tensor{}, &worker.Error{Kind: worker.ErrDamaged, Field: "sources", Message: fmt.Sprintf("the file at the address of %.12s has other content", digest)}
}

// addressError wraps err in a *worker.Error whose kind tells the client what to
// do.
func addressError(ctx context.Context, field, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	kind := worker.ErrMissing
	switch {
	case errors.Is(err, address.ErrForbidden):
		kind = worker.ErrUnsupported
	case errors.Is(err, address.ErrLength):
		kind = worker.ErrDamaged
	}
	return &worker.Error{Kind: kind, Field: field, Message: what + ": " + err.Error()}
}

// checkUpload refuses an upload address that is not allowed, before anything is
// computed.
func checkUpload(r *worker.Request, o *Options) error {
	if r.Upload == nil {
		return nil
	}
	if err := o.Addresses.Check(r.Upload.URL); err != nil {
		return &worker.Error{Kind: worker.ErrUnsupported, Field: "upload", Message: err.Error()}
	}
	return nil
}

// upload puts arrays at the request's upload address if they are larger than its
// Above; otherwise it returns nil.
func upload(ctx context.Context, r *worker.Request, set tensors.Set, o *Options) (*worker.Uploaded, error) {
	if r.Upload == nil || int64(set.Bytes()) <= r.Upload.Above {
		return nil, nil
	}
	pieces, err := tensors.SafetensorsPieces(set, nil)
	if err != nil {
		return nil, err
	}
	u := &worker.Uploaded{Name: r.Upload.Name}
	hash := tensors.NewHash()
	for _, p := range pieces {
		hash.Write(p)
		u.Bytes += int64(len(p))
	}
	u.SHA256 = hash.Digest()
	err = o.Addresses.Write(ctx, r.Upload.URL, u.Bytes, func() io.Reader { return &pieceReader{pieces: pieces} })
	if err != nil {
		return nil, addressError(ctx, "upload", "the result", err)
	}
	return u, nil
}

// A pieceReader reads pieces of memory one after the other.
type pieceReader struct{ pieces [][]byte }

func (p *pieceReader) Read(b []byte) (n int, err error) {
	for len(p.pieces) > 0 && n < len(b) {
		m := copy(b[n:], p.pieces[0])
		n += m
		if p.pieces[0] = p.pieces[0][m:]; len(p.pieces[0]) == 0 {
			p.pieces = p.pieces[1:]
		}
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// uploadStates uploads the states of a result to where the request wants them. If that
// fails, they are sent in the stream and a log event says why.
func uploadStates(ctx context.Context, r *worker.Request, result *worker.TrainResult, o *Options, tell func(worker.Event) error) error {
	if r.Upload == nil {
		return nil
	}
	set := tensors.Set{}
	for _, s := range result.States() {
		a, err := s.Array()
		if err != nil {
			return err
		}
		if len(a.Data) > 0 {
			set[s.Name] = a
		}
	}
	u, err := upload(ctx, r, set, o)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return tell(worker.Event{Type: worker.EventLog, Message: "the upload failed, so the states are sent in the stream: " + err.Error()})
	}
	if u != nil {
		result.Uploaded, result.ModelState, result.OptimizerState = u, "", ""
	}
	return nil
}
