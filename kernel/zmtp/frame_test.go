package zmtp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func newTestReader(b []byte, limit int) *reader {
	return &reader{r: bufio.NewReader(bytes.NewReader(b)), limit: limit}
}

func frames(m Message) []byte {
	bufs, _ := appendItems(nil, nil, []item{{msg: m}})
	return bytes.Join(bufs, nil)
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
	if got := appendCommand(nil, "READY", []byte("x")); string(got) != "\x04\x07\x05READYx" {
		t.Errorf("command: %q", got)
	}
}

func TestLargeFramesAreNotCopied(t *testing.T) {
	big := make([]byte, 64<<10)
	bufs, _ := appendItems(nil, nil, []item{{msg: Message{[]byte("a"), big, []byte("b")}}})
	if len(bufs) != 3 || &bufs[1][0] != &big[0] {
		t.Errorf("%d buffers, want header, the frame itself and the rest", len(bufs))
	}
	got, _, err := newTestReader(bytes.Join(bufs, nil), 1<<20).next()
	if err != nil || len(got) != 3 || len(got[1]) != len(big) {
		t.Errorf("%d frames, %v", len(got), err)
	}
}

func TestReaderRejects(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"reserved flags":           {"\x08\x00", ErrProtocol},
		"2^62 bytes":               {"\x02\x40\x00\x00\x00\x00\x00\x00\x00", ErrTooLarge},
		"2^64-1 bytes":             {"\x02\xff\xff\xff\xff\xff\xff\xff\xff", ErrTooLarge},
		"over the limit together":  {"\x01\x60" + strings.Repeat("a", 96) + "\x00\x60" + strings.Repeat("a", 96), ErrTooLarge},
		"too many frames":          {strings.Repeat("\x01\x00", maxFrames+1), ErrTooLarge},
		"command in a message":     {"\x01\x00\x04\x00", ErrProtocol},
		"command with more":        {"\x05\x00", ErrProtocol},
		"long command":             {"\x06\x00\x00\x00\x00\x00\x01\x00\x00", ErrTooLarge},
		"end inside the length":    {"\x02\x00", io.ErrUnexpectedEOF},
		"end inside the flags":     {"\x00", io.ErrUnexpectedEOF},
		"end inside the body":      {"\x00\x05abc", io.ErrUnexpectedEOF},
		"end inside a long body":   {"\x02\x00\x00\x00\x00\x00\x00\x00\x40abc", io.ErrUnexpectedEOF},
		"end between two messages": {"", io.EOF},
		"end between two frames":   {"\x01\x01a", io.EOF},
	} {
		if _, _, err := newTestReader([]byte(c.in), 128).next(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestMetadataRejects(t *testing.T) {
	for name, in := range map[string]string{
		"ends in a name":         "\x05abc",
		"ends in a length":       "\x01a\x00\x00",
		"ends in a value":        "\x01a\x00\x00\x00\x05b",
		"value of 2^32-1 bytes":  "\x01a\xff\xff\xff\xff",
		"second property broken": "\x01a\x00\x00\x00\x01b\x09",
	} {
		if _, err := parseMetadata([]byte(in)); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, in := range []string{"", "\x05A"} {
		if _, _, err := splitCommand([]byte(in)); !errors.Is(err, ErrProtocol) {
			t.Errorf("command %q: %v", in, err)
		}
	}
}

func TestGreetingRejects(t *testing.T) {
	for name, change := range map[string]func(b []byte){
		"no signature":     func(b []byte) { copy(b, "GET / HTTP") },
		"version 2":        func(b []byte) { b[10] = 2 },
		"mechanism PLAIN":  func(b []byte) { copy(b[12:], "PLAIN") },
		"unterminated end": func(b []byte) { b[9] = 0 },
	} {
		b := greeting()
		change(b)
		if err := checkGreeting(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkGreeting(greeting()); err != nil {
		t.Error(err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(frames(Message{[]byte("a"), make([]byte, 300)}))
	f.Add(appendCommand(nil, "PING", []byte{0, 1, 2}))
	f.Add([]byte("\x02\x40\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newTestReader(b, 1<<16)
		for {
			msg, cmd, err := r.next()
			if err != nil {
				return
			}
			if msg == nil {
				if name, data, err := splitCommand(cmd); err == nil && name == "READY" {
					parseMetadata(data)
				}
				continue
			}
			back, _, err := newTestReader(frames(msg), 1<<16).next()
			if err != nil || len(back) != len(msg) {
				t.Fatalf("%d frames came back as %d: %v", len(msg), len(back), err)
			}
		}
	})
}
