package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// maxFrames bounds a message: a Jupyter message has 6 frames and its buffers.
const maxFrames = 4096

// maxCommand bounds a command: READY with its metadata is under 100 bytes.
const maxCommand = 4096

// ErrProtocol is the error for bytes that are not ZMTP 3.
var ErrProtocol = errors.New("zmtp: bytes do not follow the protocol")

// ErrTooLarge is the error for a message over the limit of the socket.
var ErrTooLarge = errors.New("zmtp: message over the limit")

// A guard is the connection that zmq4 reads and writes. It inspects the passing
// frame headers and stops reading before a length over the limit can be allocated.
// It passes on what zmq4 itself writes after the handshake (PONG) as whole frames,
// so that they do not end up inside a message that the peer's writer is writing.
type guard struct {
	net.Conn
	in    io.Reader // a *bufio.Reader of Conn, or an opener on it
	watch watch
	// post queues a frame; nil during the handshake.
	post    func(frame []byte)
	pending []byte
}

func newGuard(conn net.Conn, limit int) *guard {
	return &guard{
		Conn:  conn,
		in:    bufio.NewReaderSize(conn, 64<<10),
		watch: watch{limit: uint64(limit), room: uint64(limit), skip: greetingSize, greeting: true},
	}
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	if bad := g.watch.pass(p[:n]); bad != nil {
		return 0, bad
	}
	return n, err
}

func (g *guard) Write(p []byte) (int, error) {
	if g.post == nil {
		return g.Conn.Write(p)
	}
	g.pending = append(g.pending, p...)
	if size, ok := frameSize(g.pending); ok && uint64(len(g.pending)) >= size {
		g.post(g.pending)
		g.pending = nil
	}
	return len(p), nil
}

// greetingSize is the number of bytes before the first frame (RFC 23, "Greeting").
const greetingSize = 64

// A watch follows the frames in a stream of bytes (RFC 23, "Framing"):
//
//	flags (1) | length (1, or 8 big-endian with flagLong) | body
type watch struct {
	limit uint64 // the largest message, all frames together
	room  uint64 // the rest of limit for this message
	// greeting is set during the handshake, in which there are no messages.
	greeting bool
	// unknown is the allowance of a peer that is not trusted yet; nil if there is none.
	unknown *allowance
	frames  int    // frames of this message so far
	skip    uint64 // bytes until the next header
	head    []byte // the part of a header seen so far
}

// pass inspects the next bytes. It fails on the last byte of a header that
// announces something forbidden.
func (w *watch) pass(b []byte) error {
	for len(b) > 0 {
		if w.skip > 0 {
			n := min(w.skip, uint64(len(b)))
			w.skip -= n
			b = b[n:]
			continue
		}
		w.head = append(w.head, b[0])
		b = b[1:]
		if w.head[0]&^(flagMore|flagLong|flagCommand) != 0 {
			return fmt.Errorf("%w: reserved bits in flags %#x", ErrProtocol, w.head[0])
		}
		size, ok := bodySize(w.head)
		if !ok {
			continue
		}
		if err := w.frame(w.head[0], size); err != nil {
			return err
		}
		w.skip = size
		w.head = w.head[:0]
	}
	return nil
}

// frame checks a header.
func (w *watch) frame(flags byte, size uint64) error {
	if flags&flagCommand != 0 {
		if flags&flagMore != 0 || w.frames > 0 {
			return fmt.Errorf("%w: a command inside a message", ErrProtocol)
		}
		if size > maxCommand {
			return fmt.Errorf("%w: a command of %d bytes", ErrTooLarge, size)
		}
		return nil
	}
	if w.greeting {
		return fmt.Errorf("%w: a message before the handshake", ErrProtocol)
	}
	if size > w.room || w.frames == maxFrames {
		return fmt.Errorf("%w: a frame of %d bytes", ErrTooLarge, size)
	}
	if w.unknown != nil {
		if err := w.unknown.take(size, w.frames == 0); err != nil {
			return err
		}
	}
	w.room -= size
	w.frames++
	if flags&flagMore == 0 {
		w.room, w.frames = w.limit, 0
	}
	return nil
}

// bodySize returns the length that a header announces; ok is false if head is incomplete.
func bodySize(head []byte) (size uint64, ok bool) {
	switch {
	case len(head) >= 2 && head[0]&flagLong == 0:
		return uint64(head[1]), true
	case len(head) >= 9:
		return binary.BigEndian.Uint64(head[1:]), true
	}
	return 0, false
}

// frameSize returns the length of the first frame in b, including its header.
func frameSize(b []byte) (size uint64, ok bool) {
	size, ok = bodySize(b)
	if len(b) > 0 && b[0]&flagLong != 0 {
		return size + 9, ok
	}
	return size + 2, ok
}
