package tensors

import (
	"bytes"
	"strings"
)

// deltaMark begins the text of a state that is given as its difference to another.
const deltaMark = "delta:"

// MaxDelta is the longest text of a state that a difference is made of or to, in bytes:
// making one takes four times its memory.
const MaxDelta = 256 << 20

// IsDelta reports whether a state's text is one that EncodeDelta wrote.
func IsDelta(text string) bool { return strings.HasPrefix(text, deltaMark) }

// StateDigest returns the name of a state's bytes, as they are before base64: that of the
// array of uint8 that a store keeps them as (see [Tensor.Digest]).
func StateDigest(b []byte) string {
	return Tensor{DType: Uint8, Shape: []int{len(b)}, Data: b}.Digest()
}

// EncodeDelta writes a state, next, as its difference to base, which the other side
// has; both are texts as EncodeState writes. It is lossless: every bit of next's
// safetensors form comes back. Weights after a few more steps of training keep their
// sign, exponent and first digits, so that the difference compresses where the weights
// themselves do not. The form is
//
//	delta:<StateDigest of base>:<StateDigest of next>:<base64 of zstd of the difference>
//
// base's digest is that of its bytes as they travel, next's that of its safetensors
// form, not compressed. The difference is the exclusive-or of both safetensors forms,
// first the bytes 0, 4, 8, ... of it, then the bytes 1, 5, 9, ..., and so on to 3, then
// what is left behind the last four: the four bytes of a float32 shrink differently.
//
// ok is false if the difference is no shorter than next, which is then to be sent,
// where their lengths differ, and for texts above MaxDelta.
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

// DeltaDigests returns the digests in a text of EncodeDelta: of the state that it is the
// difference to, and of the state that it gives. Anything else is ErrFormat.
func DeltaDigests(text string) (base, next string, err error) {
	base, next, _, err = cutDelta(text)
	return base, next, err
}

func cutDelta(text string) (base, next, data string, err error) {
	const n = len(deltaMark)
	const digest = 64
	if !IsDelta(text) || len(text) < n+2*digest+2 || text[n+digest] != ':' || text[n+2*digest+1] != ':' {
		return "", "", "", fail(ErrFormat, "delta: it is not delta:<digest>:<digest>:<base64>")
	}
	base, next = text[n:n+digest], text[n+digest+1:n+2*digest+1]
	if !ValidDigest(base) || !ValidDigest(next) {
		return "", "", "", fail(ErrFormat, "delta: a digest is 64 lower-case hexadecimal digits")
	}
	return base, next, text[n+2*digest+2:], nil
}

// DecodeDelta returns the state that EncodeDelta wrote as the difference to base, as
// the text of its safetensors form. A difference to another state than base, or one
// that gives a state with another digest than it says, is ErrFormat. It takes as much
// memory as base and is never larger, whatever the text claims; limit is that of
// DecodeState, for base.
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
		return "", fail(ErrFormat, "delta: it is the difference to the state %.12s, not to %.12s", want, got)
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
		return "", fail(ErrFormat, "delta: %d bytes of difference to a state of %d", len(diff), len(to))
	}
	next := unplanes(to, diff)
	if got := StateDigest(next); got != digest {
		return "", fail(ErrFormat, "delta: it gives the state %.12s and says %.12s; it was damaged", got, digest)
	}
	return encodeBase64([][]byte{next}), nil
}

// stateForm returns the bytes of a state's text and its safetensors form, which are
// the same where it is not compressed.
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

// planes returns a exclusive-or b, whose lengths are equal, with byte i of every four
// together.
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
