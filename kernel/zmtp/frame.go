package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A Message is one multipart message: at least one frame.
type Message [][]byte

// Size is the number of bytes in all frames.
func (m Message) Size() int {
	n := 0
	for _, f := range m {
		n += len(f)
	}
	return n
}

// Bits of the flags octet (RFC 23, "traffic").
const (
	flagMore    = 1 << 0
	flagLong    = 1 << 1
	flagCommand = 1 << 2
)

// maxFrames bounds a message: a Jupyter message has 6 frames and its buffers.
const maxFrames = 4096

// maxCommand bounds a command: READY with its metadata is under 100 bytes.
const maxCommand = 4096

// ErrProtocol is the error for bytes that are not ZMTP 3.
var ErrProtocol = errors.New("zmtp: bytes do not follow the protocol")

// ErrTooLarge is the error for a message over the limit of the socket.
var ErrTooLarge = errors.New("zmtp: message over the limit")

// appendFrame appends the header of a frame and its body:
//
//	flags (1) | length (1, or 8 big-endian with flagLong) | body
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

// A reader reads messages and commands from a connection that has greeted.
type reader struct {
	r *bufio.Reader
	// limit is the largest message, all frames together, in bytes.
	limit int
}

// next returns the next message, or the body of the next command.
func (r *reader) next() (msg Message, command []byte, err error) {
	room := r.limit
	for {
		flags, size, err := r.header()
		if err != nil {
			return nil, nil, err
		}
		if flags&flagCommand != 0 {
			if flags&flagMore != 0 || msg != nil {
				return nil, nil, fmt.Errorf("%w: a command inside a message", ErrProtocol)
			}
			if size > maxCommand {
				return nil, nil, fmt.Errorf("%w: a command of %d bytes", ErrTooLarge, size)
			}
			command, err = r.body(size)
			return nil, command, err
		}
		if size > uint64(room) || len(msg) == maxFrames {
			return nil, nil, fmt.Errorf("%w: a frame of %d bytes", ErrTooLarge, size)
		}
		room -= int(size)
		body, err := r.body(size)
		if err != nil {
			return nil, nil, err
		}
		msg = append(msg, body)
		if flags&flagMore == 0 {
			return msg, nil, nil
		}
	}
}

func (r *reader) header() (flags byte, size uint64, err error) {
	flags, err = r.r.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	if flags&^(flagMore|flagLong|flagCommand) != 0 {
		return 0, 0, fmt.Errorf("%w: reserved bits in flags %#x", ErrProtocol, flags)
	}
	if flags&flagLong == 0 {
		b, err := r.r.ReadByte()
		return flags, uint64(b), unexpected(err)
	}
	var b [8]byte
	_, err = io.ReadFull(r.r, b[:])
	return flags, binary.BigEndian.Uint64(b[:]), unexpected(err)
}

// body reads size bytes, whose number has been checked. A large body grows as
// its bytes arrive, so that a length alone takes no memory.
func (r *reader) body(size uint64) ([]byte, error) {
	const step = 1 << 20
	if size <= step {
		b := make([]byte, size)
		_, err := io.ReadFull(r.r, b)
		return b, unexpected(err)
	}
	var b []byte
	for read := uint64(0); read < size; {
		n := min(size-read, max(step, read))
		b = append(b, make([]byte, n)...)
		if _, err := io.ReadFull(r.r, b[read:]); err != nil {
			return nil, unexpected(err)
		}
		read += n
	}
	return b, nil
}

// unexpected turns an end of input inside a frame into an error.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// splitCommand splits a command into its name and its data.
func splitCommand(b []byte) (name string, data []byte, err error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, fmt.Errorf("%w: a command without a name", ErrProtocol)
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], nil
}

// appendCommand appends a command frame.
func appendCommand(dst []byte, name string, data []byte) []byte {
	body := append([]byte{byte(len(name))}, name...)
	return appendFrame(dst, append(body, data...), flagCommand)
}
