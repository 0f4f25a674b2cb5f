package store

import (
	"context"
	"fmt"
	"io"

	"github.com/gopherpod/gopherpod/tensors"
)

// SendTensor makes sure that the store has a tensor. A request can then refer to it by
// {"sha256": Receipt.Digest}. The object is a safetensors file with the single name "data".
// It is not cut into parts, because a worker reads it as a file.
func SendTensor(ctx context.Context, s Store, t tensors.Tensor) (Receipt, error) {
	d, folder := s.(Dir)
	if !folder || len(t.Data) < hashAlong {
		return SendTensorAs(ctx, s, t, t.Digest())
	}
	pieces, err := tensors.SafetensorsPieces(tensors.Set{"data": t}, nil)
	if err != nil {
		return Receipt{}, err
	}
	c := Bytes(pieces...)
	if d.hasTensorOf(c.Size()) {
		return SendTensorAs(ctx, s, t, t.Digest())
	}
	digest, err := d.putNew(ctx, t, c)
	return Receipt{Digest: digest, Size: c.Size(), Sent: c.Size(), Parts: 1}, err
}

// hashAlong is the length in bytes from which a tensor is hashed while it is written.
const hashAlong = 16 << 20

// SendTensorAs is SendTensor for a caller that knows the digest already. If the digest is
// wrong, readers refuse the object.
func SendTensorAs(ctx context.Context, s Store, t tensors.Tensor, digest string) (Receipt, error) {
	pieces, err := tensors.SafetensorsPieces(tensors.Set{"data": t}, nil)
	if err != nil {
		return Receipt{}, err
	}
	c := Bytes(pieces...)
	r := Receipt{Digest: digest, Size: c.Size(), Parts: 1}
	name, err := TensorName(r.Digest)
	if err != nil {
		return r, err
	}
	r.Sent, err = sendObject(ctx, s, name, c, 0, c.Size())
	return r, err
}

// FetchTensor returns the tensor with that digest, and verifies it.
func FetchTensor(ctx context.Context, s Store, digest string, o Options) (tensors.Tensor, error) {
	o = o.complete()
	name, err := TensorName(digest)
	if err != nil {
		return tensors.Tensor{}, err
	}
	n, err := s.Size(ctx, name)
	if err != nil {
		return tensors.Tensor{}, err
	}
	if n > o.Limit {
		return tensors.Tensor{}, fmt.Errorf("store: %.12s: %w: %d bytes, over the limit of %d", digest, ErrTooLarge, n, o.Limit)
	}
	r, err := s.Get(ctx, name)
	if err != nil {
		return tensors.Tensor{}, err
	}
	defer r.Close()
	b := tensors.Scratch(int(n))
	if _, err := io.ReadFull(r, b); err != nil {
		return tensors.Tensor{}, fmt.Errorf("store: %.12s: %w: %w", digest, ErrCorrupt, err)
	}
	set, _, err := tensors.DecodeSafetensors(b)
	if err != nil {
		return tensors.Tensor{}, damaged(ctx, s, name, err.Error())
	}
	t := set["data"]
	if t.Validate() != nil || t.Digest() != digest {
		return tensors.Tensor{}, damaged(ctx, s, name, "the tensor has another digest")
	}
	return t, nil
}

// Tensors keeps tensors in a Store. It implements the interface that an engine needs for its
// data (worker/engine.Store).
type Tensors struct {
	Store   Store
	Options Options
}

// Get returns the tensor with that digest. A damaged tensor counts as missing, so that it is
// sent again.
func (k Tensors) Get(digest string) (t tensors.Tensor, ok bool) {
	t, err := FetchTensor(context.Background(), k.Store, digest, k.Options)
	return t, err == nil
}

// Put keeps a tensor and returns its digest.
func (k Tensors) Put(t tensors.Tensor) (digest string, err error) {
	r, err := SendTensor(context.Background(), k.Store, t)
	return r.Digest, err
}
