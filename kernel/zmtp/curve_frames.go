package zmtp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/nacl/box"
)

// After the handshake each frame travels in a frame of its own (RFC 26, "Messages"):
//
//	"\x07MESSAGE" | nonce (8) | Box[flags (1) | body]
//
// The outer flags carry no information; the inner flags are libzmq's.
const (
	messageName = "\x07MESSAGE"
	boxedMore   = 1 << 0
	boxedCmd    = 1 << 1
	boxedExtra  = len(messageName) + 8 + box.Overhead + 1
)

// An opener reads boxes from a connection and yields plain frames (RFC 23).
type opener struct {
	curve *curve
	in    *bufio.Reader
	limit uint64 // the largest body
	plain []byte // opened, but not read yet
}

func (o *opener) Read(p []byte) (int, error) {
	for len(o.plain) == 0 {
		if err := o.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

// next opens one frame.
func (o *opener) next() error {
	var head [9]byte
	n := 2
	if _, err := io.ReadFull(o.in, head[:n]); err != nil {
		return err
	}
	if head[0]&flagLong != 0 {
		n = len(head)
		if _, err := io.ReadFull(o.in, head[2:]); err != nil {
			return err
		}
	}
	size, _ := bodySize(head[:n])
	switch {
	case head[0]&^(flagLong|flagCommand) != 0:
		return fmt.Errorf("%w: flags %#x around a box", ErrProtocol, head[0])
	case size < uint64(boxedExtra):
		return fmt.Errorf("%w: a frame of %d bytes, too short for a box", ErrProtocol, size)
	case size > o.limit+uint64(boxedExtra):
		return fmt.Errorf("%w: a box of %d bytes", ErrTooLarge, size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(o.in, body); err != nil {
		return err
	}
	if string(body[:len(messageName)]) != messageName {
		return fmt.Errorf("%w: %q, want MESSAGE", ErrProtocol, body[:len(messageName)])
	}
	// The plain header has nine bytes; its last byte takes the place of the flags in the
	// box.
	plain, err := o.curve.unboxTo(make([]byte, 8, int(size)), o.curve.theirs, body[len(messageName):])
	if err != nil {
		return err
	}
	var flags byte = flagLong
	inside := plain[8]
	if inside&^(boxedMore|boxedCmd) != 0 {
		return fmt.Errorf("%w: flags %#x in a box", ErrProtocol, inside)
	}
	if inside&boxedMore != 0 {
		flags |= flagMore
	}
	if inside&boxedCmd != 0 {
		flags |= flagCommand
	}
	plain[0] = flags
	binary.BigEndian.PutUint64(plain[1:], uint64(len(plain)-9))
	o.plain = plain
	return nil
}

// A sealer frames messages in boxes. It reuses its buffers.
type sealer struct {
	curve *curve
	plain []byte
	out   []byte
}

// keep is the size, in bytes, of the largest buffer that a sealer keeps.
const keep = 1 << 20

// batch returns the bytes of a batch, which are valid until the next call.
func (s *sealer) batch(items []item) []byte {
	if cap(s.out) > keep {
		s.out, s.plain = nil, nil
	}
	s.out = s.out[:0]
	for _, it := range items {
		if len(it.command) > 0 {
			size, _ := bodySize(it.command)
			s.frame(boxedCmd, it.command[uint64(len(it.command))-size:])
		}
		for i, f := range it.msg {
			var flags byte
			if i < len(it.msg)-1 {
				flags = boxedMore
			}
			s.frame(flags, f)
		}
	}
	return s.out
}

func (s *sealer) frame(flags byte, body []byte) {
	c := s.curve
	c.sent++
	s.plain = append(append(s.plain[:0], flags), body...)
	s.out = appendFrameHeader(s.out, len(body)+boxedExtra, 0)
	s.out = append(s.out, messageName...)
	s.out = binary.BigEndian.AppendUint64(s.out, c.sent)
	s.out = box.SealAfterPrecomputation(s.out, s.plain, shortNonce(c.ours, c.sent), c.session)
}
