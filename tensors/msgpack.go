package tensors

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// The few forms of msgpack that a set of tensors needs, written and read here
// because a general decoder copies the data and accepts more than the format
// allows. Names and codes are those of the msgpack specification.
const (
	mpFixMap   = 0x80
	mpFixArray = 0x90
	mpFixStr   = 0xa0
	mpBin8     = 0xc4
	mpBin16    = 0xc5
	mpBin32    = 0xc6
	mpUint8    = 0xcc
	mpUint16   = 0xcd
	mpUint32   = 0xce
	mpUint64   = 0xcf
	mpInt8     = 0xd0
	mpInt16    = 0xd1
	mpInt32    = 0xd2
	mpInt64    = 0xd3
	mpStr8     = 0xd9
	mpStr16    = 0xda
	mpStr32    = 0xdb
	mpArray16  = 0xdc
	mpArray32  = 0xdd
	mpMap16    = 0xde
	mpMap32    = 0xdf
)

func appendMap(b []byte, n int) []byte {
	switch {
	case n < 16:
		return append(b, mpFixMap|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, mpMap16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, mpMap32), uint32(n))
}

func appendArray(b []byte, n int) []byte {
	if n < 16 {
		return append(b, mpFixArray|byte(n))
	}
	return binary.BigEndian.AppendUint16(append(b, mpArray16), uint16(n))
}

func appendStr(b []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		b = append(b, mpFixStr|byte(n))
	case n <= math.MaxUint8:
		b = append(b, mpStr8, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, mpStr16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint32(append(b, mpStr32), uint32(n))
	}
	return append(b, s...)
}

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, mpUint8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, mpUint16), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, mpUint32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, mpUint64), n)
}

// appendBin writes the head of n bytes that follow.
func appendBin(b []byte, n int) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(b, mpBin8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, mpBin16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, mpBin32), uint32(n))
}

// An mpReader reads msgpack from b and remembers its first error; after an error,
// every read returns zero.
type mpReader struct {
	b   []byte
	off int
	err error
}

func (r *mpReader) fail(want string) {
	if r.err == nil {
		r.err = fail(ErrFormat, "msgpack: byte %d: not %s", r.off, want)
	}
}

// take returns the next n bytes, or nil if there are fewer.
func (r *mpReader) take(n uint64, want string) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.b)-r.off) {
		if r.err == nil {
			r.err = fail(ErrFormat, "msgpack: byte %d: %s ends after %d of %d bytes", r.off, want, len(r.b)-r.off, n)
		}
		return nil
	}
	out := r.b[r.off : r.off+int(n) : r.off+int(n)]
	r.off += int(n)
	return out
}

func (r *mpReader) code(want string) byte {
	if b := r.take(1, want); b != nil {
		return b[0]
	}
	return 0
}

// bigEndian reads an unsigned number of n bytes.
func (r *mpReader) bigEndian(n uint64, want string) (x uint64) {
	for _, c := range r.take(n, want) {
		x = x<<8 | uint64(c)
	}
	return x
}

// length reads the head of a value and returns the length in it. The head is
// the fixed form (if fix is not 0), or one of the codes one (if it is not 0),
// two and four, followed by a length of 1, 2 or 4 bytes.
func (r *mpReader) length(want string, fix, fixMax, one, two, four byte) uint64 {
	switch c := r.code(want); {
	case r.err != nil:
		return 0
	case fix != 0 && c >= fix && c <= fix+fixMax:
		return uint64(c - fix)
	case one != 0 && c == one:
		return r.bigEndian(1, want)
	case c == two:
		return r.bigEndian(2, want)
	case c == four:
		return r.bigEndian(4, want)
	}
	r.off--
	r.fail(want)
	return 0
}

func (r *mpReader) mapLen(want string) uint64 {
	return r.length(want, mpFixMap, 15, 0, mpMap16, mpMap32)
}

func (r *mpReader) arrayLen(want string) uint64 {
	return r.length(want, mpFixArray, 15, 0, mpArray16, mpArray32)
}

func (r *mpReader) bin(want string) []byte {
	return r.take(r.length(want, 0, 0, mpBin8, mpBin16, mpBin32), want)
}

func (r *mpReader) str(want string) string {
	s := string(r.take(r.length(want, mpFixStr, 31, mpStr8, mpStr16, mpStr32), want))
	if !utf8.ValidString(s) {
		r.fail(want + " in UTF-8")
		return ""
	}
	return s
}

// dim reads an integer that is not negative and fits an int.
func (r *mpReader) dim(want string) int {
	var n uint64
	switch c := r.code(want); {
	case r.err != nil:
		return 0
	case c < 0x80:
		return int(c)
	case c >= mpUint8 && c <= mpUint64:
		n = r.bigEndian(1<<(c-mpUint8), want)
	case c >= mpInt8 && c <= mpInt64:
		width := uint64(1) << (c - mpInt8)
		n = r.bigEndian(width, want)
		if n>>(8*width-1) != 0 {
			r.fail(want + " (it is negative)")
		}
	default:
		r.off--
		r.fail(want)
	}
	if n > math.MaxInt {
		r.fail(want + " (it is too large)")
	}
	return int(n)
}
