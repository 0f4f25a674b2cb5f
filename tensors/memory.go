package tensors

import (
	"encoding/binary"
	"slices"
	"strings"
	"unsafe"
)

// native is the set of element types that Go has itself.
type native interface {
	~uint8 | ~int8 | ~int16 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64 | ~int | ~float32 | ~float64
}

// littleEndian reports whether memory and wire agree on the order of bytes.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// aligned reports whether b begins at a multiple of n, so that view makes no copy.
func aligned(b []byte, n uintptr) bool {
	return littleEndian && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%n == 0
}

// view returns little-endian bytes as elements: the same memory if byte order and
// alignment allow it, else a copy. len(b) must be a multiple of the element's size.
func view[T native](b []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	n := len(b) / size
	if n == 0 {
		return []T{}
	}
	if littleEndian && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size) == 0 {
		return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
	}
	out := make([]T, n)
	copy(raw(out), b[:n*size])
	if !littleEndian {
		swap(raw(out), size)
	}
	return out
}

// bytesOf is the inverse of view.
func bytesOf[T native](s []T) []byte {
	b := raw(s)
	if !littleEndian && len(s) > 0 {
		b = slices.Clone(b)
		swap(b, int(unsafe.Sizeof(s[0])))
	}
	return b
}

// Scratch returns n uninitialized bytes; the caller must overwrite all of them. make
// would clear them first, which for 1 GB takes as long as reading it.
func Scratch(n int) []byte {
	if n < 1<<20 {
		return make([]byte, n)
	}
	var b strings.Builder // whose memory is not cleared
	b.Grow(n)
	b.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(b.String()), n)
}

// raw returns the memory of s.
func raw[T native](s []T) []byte {
	if len(s) == 0 {
		return []byte{}
	}
	n := len(s) * int(unsafe.Sizeof(s[0]))
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), n)
}

// swap reverses each group of size bytes.
func swap(b []byte, size int) {
	for i := 0; i+size <= len(b); i += size {
		slices.Reverse(b[i : i+size])
	}
}

// text returns a string that shares the memory of b, which nobody may write to
// any more.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOfText returns the memory of a string, which nobody may write to.
func bytesOfText(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
