package tensors

import "slices"

// deltaFormat names the format of a delta in its metadata.
const deltaFormat = "gopherpod-delta-1"

// StateDigest names a state: the sha256 of its safetensors form without metadata.
func StateDigest(s Set) (string, error) {
	b, err := EncodeSafetensors(s, nil)
	if err != nil {
		return "", err
	}
	return DigestOf(b), nil
}

// EncodeDelta writes next as its difference to base, which the other side has. It
// is lossless: every bit of next comes back. Weights after a few more steps of
// training keep their sign, exponent and first digits, so that the difference
// compresses where the weights themselves do not.
//
// The form is that of EncodeState, compressed, with metadata {"format":
// "gopherpod-delta-1", "base": StateDigest(base)}; each tensor is uint8 [size, n],
// where row i holds byte i of each of the n elements, exclusive-or that of base.
// Both states must have the same names, dtypes and shapes; else it is ErrShape.
func EncodeDelta(base, next Set) (string, error) {
	if err := sameLayout(base, next); err != nil {
		return "", err
	}
	digest, err := StateDigest(base)
	if err != nil {
		return "", err
	}
	planes := make(Set, len(next))
	for name, t := range next {
		if err := t.Validate(); err != nil {
			return "", named(name, err)
		}
		size := t.DType.Size()
		planes[name] = Tensor{DType: Uint8, Shape: []int{size, t.Len()}, Data: split(base[name].Data, t.Data, size)}
	}
	parts, err := SafetensorsPieces(planes, map[string]string{"format": deltaFormat, "base": digest})
	if err != nil {
		return "", err
	}
	b, err := Compress(parts...)
	if err != nil {
		return "", err
	}
	return encodeBase64([][]byte{b}), nil
}

// DecodeDelta applies what EncodeDelta wrote to base, which does not change. A
// delta to another state is ErrFormat. limit is as in DecodeState.
func DecodeDelta(base Set, text string, limit int64) (Set, error) {
	b, err := decodeBase64(text, limit)
	if err != nil {
		return nil, err
	}
	if b, err = Decompress(b, limit); err != nil {
		return nil, err
	}
	planes, meta, err := DecodeSafetensors(b)
	if err != nil {
		return nil, err
	}
	if meta["format"] != deltaFormat {
		return nil, fail(ErrFormat, "this is no delta of format %s", deltaFormat)
	}
	digest, err := StateDigest(base)
	if err != nil {
		return nil, err
	}
	if meta["base"] != digest {
		return nil, fail(ErrFormat, "this is a delta to the state %.12s, not to %.12s", meta["base"], digest)
	}
	if len(planes) != len(base) {
		return nil, fail(ErrShape, "a delta of %d tensors to a state of %d", len(planes), len(base))
	}
	next := make(Set, len(base))
	for name, old := range base {
		p, ok := planes[name]
		size := old.DType.Size()
		if !ok || p.DType != Uint8 || !slices.Equal(p.Shape, []int{size, old.Len()}) {
			return nil, named(name, fail(ErrShape, "a delta of %v to %v", p, old))
		}
		next[name] = Tensor{DType: old.DType, Shape: slices.Clone(old.Shape), Data: join(old.Data, p.Data, size)}
		if err := next[name].Validate(); err != nil {
			return nil, named(name, err)
		}
	}
	return next, nil
}

func sameLayout(a, b Set) error {
	if len(a) != len(b) {
		return fail(ErrShape, "states of %d and %d tensors", len(a), len(b))
	}
	for name, t := range a {
		u, ok := b[name]
		if !ok || t.DType != u.DType || !slices.Equal(t.Shape, u.Shape) || len(t.Data) != len(u.Data) {
			return named(name, fail(ErrShape, "%v in one state, %v in the other", t, u))
		}
	}
	return nil
}

// split is a exclusive-or b, byte i of every element together.
func split(a, b []byte, size int) []byte {
	n := len(a) / size
	out := make([]byte, len(a))
	for i := range size {
		plane := out[i*n : (i+1)*n]
		for j := range plane {
			plane[j] = a[j*size+i] ^ b[j*size+i]
		}
	}
	return out
}

// join is the inverse of split.
func join(a, planes []byte, size int) []byte {
	n := len(a) / size
	out := make([]byte, len(a))
	for i := range size {
		plane := planes[i*n : (i+1)*n]
		for j, x := range plane {
			out[j*size+i] = a[j*size+i] ^ x
		}
	}
	return out
}
