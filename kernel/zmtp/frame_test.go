package zmtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

func frames(m Message) []byte {
	bufs, _ := appendItems(nil, nil, []item{{msg: m}})
	return bytes.Join(bufs, nil)
}

// Bytes as a peer sends them, written by hand.

func greeting() []byte {
	b := make([]byte, greetingSize)
	b[0], b[9], b[10] = 0xff, 0x7f, 3
	copy(b[12:], "NULL")
	return b
}

func appendCommand(dst []byte, name string, data []byte) []byte {
	return appendFrame(dst, append(append([]byte{byte(len(name))}, name...), data...), flagCommand)
}

func appendProperty(b []byte, name, value string) []byte {
	b = append(append(b, byte(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

func TestFrameLayout(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, c := range map[string]struct {
		msg  Message
		want string
	}{
		"one short frame": {Message{[]byte("hi")}, "\x00\x02hi"},
		"empty frame":     {Message{{}}, "\x00\x00"},
		"two frames":      {Message{[]byte("a"), []byte("b")}, "\x01\x01a\x00\x01b"},
		"255 is short":    {Message{[]byte(long[:255])}, "\x00\xff" + long[:255]},
		"256 is long":     {Message{[]byte(long)}, "\x02\x00\x00\x00\x00\x00\x00\x01\x00" + long},
	} {
		if got := frames(c.msg); string(got) != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLargeFramesAreNotCopied(t *testing.T) {
	big := make([]byte, 64<<10)
	bufs, _ := appendItems(nil, nil, []item{{msg: Message{[]byte("a"), big, []byte("b")}}})
	if len(bufs) != 3 || &bufs[1][0] != &big[0] {
		t.Errorf("%d buffers, want header, the frame itself and the rest", len(bufs))
	}
}

func TestWatchRejects(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"reserved flags":          {"\x08\x00", ErrProtocol},
		"2^62 bytes":              {"\x02\x40\x00\x00\x00\x00\x00\x00\x00", ErrTooLarge},
		"2^64-1 bytes":            {"\x02\xff\xff\xff\xff\xff\xff\xff\xff", ErrTooLarge},
		"over the limit together": {"\x01\x60" + strings.Repeat("a", 96) + "\x00\x60", ErrTooLarge},
		"too many frames":         {strings.Repeat("\x01\x00", maxFrames+1), ErrTooLarge},
		"command in a message":    {"\x01\x00\x04\x00", ErrProtocol},
		"command with more":       {"\x05\x00", ErrProtocol},
		"long command":            {"\x06\x00\x00\x00\x00\x00\x01\x00\x00", ErrTooLarge},
	} {
		for step := 1; step <= len(c.in); step += max(1, len(c.in)/8) {
			if err := passAll([]byte(c.in), step); !errors.Is(err, c.want) {
				t.Errorf("%s, %d bytes at once: %v, want %v", name, step, err, c.want)
			}
		}
	}
	room := strings.Repeat("\x00\x60"+strings.Repeat("a", 96), 3)
	if err := passAll([]byte(room), 7); err != nil {
		t.Errorf("three messages within the limit: %v", err)
	}
}

// passAll shows b to a watch in pieces.
func passAll(b []byte, step int) error {
	w := watch{limit: 128, room: 128}
	for len(b) > 0 {
		n := min(step, len(b))
		if err := w.pass(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// receive runs the handshake and the reader of a server on bytes that a peer sent.
func receive(t testing.TB, sent []byte) ([]Message, error) {
	conn, peer := net.Pipe()
	go io.Copy(io.Discard, peer)
	go func() {
		peer.Write(sent)
		peer.Close()
	}()
	defer conn.Close()
	h, err := handshake(conn, Config{Type: Router, MaxMessage: 1 << 16}, true)
	if err != nil {
		return nil, err
	}
	h.guard.post = func([]byte) {}
	var got []Message
	p := &Peer{in: h.in, sock: newSocket(Config{Type: Router, Receive: func(_ *Peer, m Message) { got = append(got, m) }})}
	return got, errors.Join(p.read())
}

func TestHandshakeRejects(t *testing.T) {
	for name, change := range map[string]func(b []byte){
		"no signature":     func(b []byte) { copy(b, "GET / HTTP") },
		"version 2":        func(b []byte) { b[10] = 2 },
		"mechanism PLAIN":  func(b []byte) { copy(b[12:], "PLAIN\x00") },
		"unterminated end": func(b []byte) { b[9] = 0 },
	} {
		b := greeting()
		change(b)
		if _, err := receive(t, b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, in := range map[string]string{
		"ends in a name":         "\x05abc",
		"ends in a length":       "\x01a\x00\x00",
		"ends in a value":        "\x01a\x00\x00\x00\x05b",
		"value of 2^32-1 bytes":  "\x01a\xff\xff\xff\xff",
		"second property broken": "\x01a\x00\x00\x00\x01b\x09",
	} {
		if _, err := receive(t, appendCommand(greeting(), "READY", []byte(in))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzReceive(f *testing.F) {
	ready := appendCommand(greeting(), "READY", appendProperty(nil, "Socket-Type", "DEALER"))
	f.Add(append(bytes.Clone(ready), frames(Message{[]byte("a"), make([]byte, 300)})...))
	f.Add(append(bytes.Clone(ready), appendCommand(nil, "PING", []byte{0, 1, 2})...))
	f.Add(append(bytes.Clone(ready), "\x02\x40\x00\x00\x00\x00\x00\x00\x00"...))
	f.Fuzz(func(t *testing.T, b []byte) { receive(t, b) })
}
