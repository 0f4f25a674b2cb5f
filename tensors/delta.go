package tensors

import (
	"bytes"
	"strings"
)

// deltaMark begins the text of a state that is encoded as a delta to another state.
const deltaMark = "delta:"

// MaxDelta is the length, in bytes, of the longest texts that EncodeDelta
// computes a delta between: the computation takes four times that memory.
const MaxDelta = 256 << 20

// IsDelta reports whether a state's text is one that EncodeDelta wrote.
func IsDelta(text string) bool { return strings.HasPrefix(text, deltaMark) }

// StateDigest returns the digest that names a state's bytes, as they are before base64:
// the digest of the uint8 array in which a store keeps them (see [Tensor.Digest]).
func StateDigest(b []byte) string {
	return Tensor{DType: Uint8, Shape: []int{len(b)}, Data: b}.Digest()
}

// EncodeDelta encodes a state, next, as its delta to base, a state that the receiver
// has. Both are texts as EncodeState writes them. It is lossless: every bit of next's
// safetensors form comes back. After a few more steps of training, weights keep their
// sign, exponent and first digits, so the delta compresses although the weights
// themselves do not. The form is
//
//	delta:<StateDigest of base>:<StateDigest of next>:<base64 of zstd of the difference>
//
// base's digest is that of its bytes as they travel, next's that of its safetensors
// form, uncompressed. The difference is the exclusive-or of both safetensors forms,
// reordered: first the bytes 0, 4, 8, ... of it, then the bytes 1, 5, 9, ..., and so on
// to 3, then the bytes after the last four. The four bytes of a float32 compress
// differently, so equal positions are kept together.
//
// ok is false, and next should be sent as it is, if the delta is no shorter than next,
// if their lengths differ, or if a text exceeds MaxDelta.
func EncodeDelta(base, next string) (text string, ok bool, err error) {
	if len(base) > MaxDelta || len(next) > MaxDelta {
		return "", false, nil
	}
	from, to, err := stateForm(base, 0)
	if err != nil {
		return "", false, err
	}
	_, b, err := stateForm(next, 0)
	if err != nil || len(b) != len(to) {
		return "", false, err
	}
	packed, err := Compress(planes(to, b))
	if err != nil {
		return "", false, err
	}
	head := deltaMark + StateDigest(from) + ":" + StateDigest(b) + ":"
	text = head + encodeBase64([][]byte{packed})
	return text, len(text) < len(next), nil
}

// DeltaDigests returns the digests in a text of EncodeDelta: that of the base and that of
// the resulting state. Any other text is ErrFormat.
func DeltaDigests(text string) (base, next string, err error) {
	base, next, _, err = cutDelta(text)
	return base, next, err
}

func cutDelta(text string) (base, next, data string, err error) {
	const n = len(deltaMark)
	const digest = 64
	if !IsDelta(text) || len(text) < n+2*digest+2 || text[n+digest] != ':' || text[n+2*digest+1] != ':' {
		return "", "", "", fail(ErrFormat, "delta: want delta:<digest>:<digest>:<base64>")
	}
	base, next = text[n:n+digest], text[n+digest+1:n+2*digest+1]
	if !ValidDigest(base) || !ValidDigest(next) {
		return "", "", "", fail(ErrFormat, "delta: a digest is 64 lower-case hexadecimal digits")
	}
	return base, next, text[n+2*digest+2:], nil
}

// DecodeDelta returns the state that EncodeDelta encoded as a delta to base, as the text
// of its safetensors form. If the delta is to another base, or the result does not have
// the digest in the text, the error is ErrFormat. The result has the size of base and
// never more, whatever the text claims; limit applies to base as in DecodeState.
func DecodeDelta(base, text string, limit int64) (string, error) {
	want, digest, data, err := cutDelta(text)
	if err != nil {
		return "", err
	}
	from, to, err := stateForm(base, limit)
	if err != nil {
		return "", err
	}
	if got := StateDigest(from); got != want {
		return "", fail(ErrFormat, "delta: want the base state %.12s, got %.12s", want, got)
	}
	packed, err := decodeBase64(data, limit)
	if err != nil {
		return "", err
	}
	diff, err := Decompress(packed, int64(max(len(to), 1)))
	if err != nil {
		return "", err
	}
	if len(diff) != len(to) {
		return "", fail(ErrFormat, "delta: got %d bytes of difference, want %d", len(diff), len(to))
	}
	next := unplanes(to, diff)
	if got := StateDigest(next); got != digest {
		return "", fail(ErrFormat, "delta: got the state %.12s, want %.12s: the delta is damaged", got, digest)
	}
	return encodeBase64([][]byte{next}), nil
}

// stateForm returns the bytes of a state's text and its safetensors form. They are
// the same if the state is not compressed.
func stateForm(text string, limit int64) (b, form []byte, err error) {
	if b, err = decodeBase64(text, limit); err != nil {
		return nil, nil, err
	}
	if !bytes.HasPrefix(b, zstdMagic) {
		return b, b, nil
	}
	form, err = Decompress(b, limit)
	return b, form, err
}

// planes returns the exclusive-or of a and b, which have equal lengths, with the bytes at
// equal positions of every group of four together.
func planes(a, b []byte) []byte {
	n := len(a) / 4
	out := make([]byte, len(a))
	p0, p1, p2, p3 := out[:n], out[n:2*n], out[2*n:3*n], out[3*n:4*n]
	for i := range n {
		x, y := a[4*i:4*i+4:4*i+4], b[4*i:4*i+4:4*i+4]
		p0[i], p1[i], p2[i], p3[i] = x[0]^y[0], x[1]^y[1], x[2]^y[2], x[3]^y[3]
	}
	for i := 4 * n; i < len(a); i++ {
		out[i] = a[i] ^ b[i]
	}
	return out
}

// unplanes is the inverse of planes.
func unplanes(a, diff []byte) []byte {
	n := len(a) / 4
	out := make([]byte, len(a))
	p0, p1, p2, p3 := diff[:n], diff[n:2*n], diff[2*n:3*n], diff[3*n:4*n]
	for i := range n {
		x, y := a[4*i:4*i+4:4*i+4], out[4*i:4*i+4:4*i+4]
		y[0], y[1], y[2], y[3] = x[0]^p0[i], x[1]^p1[i], x[2]^p2[i], x[3]^p3[i]
	}
	for i := 4 * n; i < len(a); i++ {
		out[i] = a[i] ^ diff[i]
	}
	return out
}
