package tensors

import (
	std "encoding/base64"

	"github.com/segmentio/asm/base64"
)

// The codecs of a set on the wire.
const (
	CodecMsgpack     = "msgpack"      // msgpack, then base64
	CodecMsgpackZstd = "msgpack+zstd" // msgpack, zstd, then base64
)

// DefaultLimit is the most bytes that a decoder produces from compressed input if
// the caller sets no limit: 4 GiB.
const DefaultLimit = 4 << 30

// EncodeSet returns the set as base64 text. The text is the only copy of the data; with
// compression there is also the compressed copy.
func EncodeSet(s Set, codec string) (string, error) {
	parts, err := s.segments()
	if err != nil {
		return "", err
	}
	switch codec {
	case CodecMsgpack:
	case CodecMsgpackZstd:
		compressed, err := Compress(parts...)
		if err != nil {
			return "", err
		}
		parts = [][]byte{compressed}
	default:
		return "", fail(ErrFormat, "unknown codec %.40q; known are %s and %s", codec, CodecMsgpack, CodecMsgpackZstd)
	}
	return encodeBase64(parts), nil
}

// DecodeSet reads what EncodeSet wrote. The set has memory of its own, aligned so that
// Dense and Float64s need no copy. More than limit bytes after decompression are
// ErrTooLarge; limit 0 means DefaultLimit.
func DecodeSet(codec, text string, limit int64) (Set, error) {
	if codec != CodecMsgpack && codec != CodecMsgpackZstd {
		return nil, fail(ErrFormat, "unknown codec %.40q; known are %s and %s", codec, CodecMsgpack, CodecMsgpackZstd)
	}
	b, err := decodeBase64(text, limit)
	if err != nil {
		return nil, err
	}
	if codec == CodecMsgpackZstd {
		if b, err = Decompress(b, limit); err != nil {
			return nil, err
		}
	}
	return decodeMsgpack(b, true)
}

// encodeBase64 encodes the pieces as if they were one. The vectorized code encodes
// 9 GB/s, encoding/base64 1.1 (16 MiB on an AMD EPYC with AVX2).
func encodeBase64(parts [][]byte) string {
	total := 0
	for _, p := range parts {
		total += len(p)
	}
	out := make([]byte, std.StdEncoding.EncodedLen(total))
	dst := out
	var carry [3]byte // bytes of a group that began in an earlier piece
	held := 0
	for _, p := range parts {
		if held > 0 {
			n := copy(carry[held:], p)
			held, p = held+n, p[n:]
			if held < 3 {
				continue
			}
			base64.StdEncoding.Encode(dst, carry[:])
			dst, held = dst[4:], 0
		}
		whole := len(p) / 3 * 3
		base64.StdEncoding.Encode(dst, p[:whole])
		dst = dst[whole/3*4:]
		held = copy(carry[:], p[whole:])
	}
	base64.StdEncoding.Encode(dst, carry[:held])
	return text(out)
}

// decodeBase64 is strict: padded, without line breaks, and no longer than limit.
func decodeBase64(s string, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	if len(s)%4 != 0 {
		return nil, fail(ErrFormat, "base64: %d characters are not groups of four", len(s))
	}
	want := len(s) / 4 * 3
	for i := 1; i <= 2 && i <= len(s) && s[len(s)-i] == '='; i++ {
		want--
	}
	if int64(want) > limit {
		return nil, fail(ErrTooLarge, "base64 of %d bytes, over the limit of %d", want, limit)
	}
	// The vector decoder may write past want, within the length that the text
	// would have without padding.
	out := make([]byte, std.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(out, bytesOfText(s))
	if err != nil || n != want { // fewer bytes: the decoder skipped a line break
		return nil, fail(ErrFormat, "base64: invalid character in a text of %d", len(s))
	}
	return out[:n:n], nil
}
