package tensors

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdMagic begins a zstd frame (RFC 8878, 3.1.1).
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// maxWindow limits how much of its output a frame can make the decoder keep: the most
// that zstd's own command line produces (--long=27).
const maxWindow = 128 << 20

// encoders keeps compressors, which take megabytes and a millisecond to make.
var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
}}

// Compress returns the parts, one after the other, as one zstd frame that states
// the length of its content and a checksum.
func Compress(parts ...[]byte) ([]byte, error) {
	total := 0
	for _, p := range parts {
		total += len(p)
	}
	var out bytes.Buffer
	out.Grow(total + total/128 + 64) // only address space: pages that are never written cost no memory
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	e.ResetContentSize(&out, int64(total))
	for _, p := range parts {
		if _, err := e.Write(p); err != nil {
			return nil, fail(ErrFormat, "zstd: %v", err)
		}
	}
	if err := e.Close(); err != nil {
		return nil, fail(ErrFormat, "zstd: %v", err)
	}
	return out.Bytes(), nil
}

// Decompress reads zstd frames. More than limit bytes are ErrTooLarge (0 means
// DefaultLimit). Memory grows with the bytes decoded, not with what a header claims.
func Decompress(b []byte, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	var head zstd.Header
	if err := head.Decode(b); err != nil {
		return nil, fail(ErrFormat, "zstd: %v", err)
	}
	if head.HasFCS && head.FrameContentSize > uint64(limit) {
		return nil, fail(ErrTooLarge, "zstd: %d bytes, over the limit of %d", head.FrameContentSize, limit)
	}
	r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, fail(ErrFormat, "zstd: %v", err)
	}
	defer r.Close()
	// If the frame states its length, allocate that at once, but at most 32 times the
	// input: real data does not compress better.
	room := 64 << 10
	if head.HasFCS {
		room = int(min(head.FrameContentSize+1, uint64(room+len(b)*32)))
	}
	return readBounded(r, make([]byte, 0, room), limit)
}

func readBounded(r io.Reader, out []byte, limit int64) ([]byte, error) {
	for {
		if len(out) == cap(out) {
			out = slices.Grow(out, len(out)/2+1)
		}
		n, err := r.Read(out[len(out):min(cap(out), len(out)+4<<20)])
		out = out[:len(out)+n]
		if int64(len(out)) > limit {
			return nil, fail(ErrTooLarge, "zstd: over the limit of %d bytes", limit)
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fail(ErrFormat, "zstd: %v", err)
		}
	}
}
