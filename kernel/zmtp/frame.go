package zmtp

import "encoding/binary"

// A Message is one multipart message: at least one frame.
type Message [][]byte

// Size returns the number of bytes in all frames.
func (m Message) Size() int {
	n := 0
	for _, f := range m {
		n += len(f)
	}
	return n
}

// Bits of the flags octet (RFC 23, "Framing").
const (
	flagMore    = 1 << 0
	flagLong    = 1 << 1
	flagCommand = 1 << 2
)

// appendFrame appends the header of a frame and its body.
func appendFrame(dst, body []byte, flags byte) []byte {
	return append(appendFrameHeader(dst, len(body), flags), body...)
}

func appendFrameHeader(dst []byte, size int, flags byte) []byte {
	if size > 255 {
		dst = append(dst, flags|flagLong)
		return binary.BigEndian.AppendUint64(dst, uint64(size))
	}
	return append(dst, flags, byte(size))
}
