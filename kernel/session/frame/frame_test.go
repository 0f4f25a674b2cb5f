package frame

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/display"
)

const token = "0123456789abcdef"

func TestRoundTrip(t *testing.T) {
	in := Event{Op: Display, Seq: 7, ID: 3, Message: &display.Message{ID: "d", Update: true, Data: display.MIMEMap{"text/plain": "x", "image/png": []byte{1, 2}}},
		Failure: &Failure{Kind: FailedPanic, Text: "boom", Frames: []Frame{{"nb.f", "In[1]", 3}}}}
	var b bytes.Buffer
	if err := Write(&b, in); err != nil {
		t.Fatal(err)
	}
	var out Event
	if err := Read(bufio.NewReader(&b), &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got %+v, want %+v", out, in)
	}
}

func TestReadRejects(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     error
		text     string
	}{
		{"nothing", "", io.EOF, ""},
		{"half a length", "\x00\x00", io.ErrUnexpectedEOF, ""},
		{"half a body", "\x00\x00\x00\x05\x81", io.ErrUnexpectedEOF, ""},
		{"too long", "\xff\xff\xff\xff", nil, "the limit is"},
		{"no map", "\x00\x00\x00\x01\xc1", nil, "frame:"},
		{"wrong type", "\x00\x00\x00\x04\x81\xa1o\x01", nil, "frame:"},
	} {
		var e Event
		err := Read(bufio.NewReader(strings.NewReader(c.in)), &e)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x04\x81\xa1o\xa0"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		var e Event
		Read(bufio.NewReader(bytes.NewReader(b)), &e)
		var c Command
		Read(bufio.NewReader(bytes.NewReader(b)), &c)
	})
}

func scan(pieces ...string) string {
	var b strings.Builder
	s := Scanner{Token: token, Text: func(t []byte) { b.Write(t) }, Mark: func(n uint32) { b.WriteString("<" + string(rune('0'+n)) + ">") }}
	for _, p := range pieces {
		s.Write([]byte(p))
	}
	s.Close()
	return b.String()
}

func TestScanner(t *testing.T) {
	m := string(Mark(token, 5))
	whole := "a" + m + "b" + m
	for i := range whole {
		for j := i; j < len(whole); j++ {
			if got := scan(whole[:i], whole[i:j], whole[j:]); got != "a<5>b<5>" {
				t.Fatalf("cut at %d and %d: %q", i, j, got)
			}
		}
	}
	for in, want := range map[string]string{
		"":                                   "",
		"plain \x1e text":                    "plain \x1e text",
		markStart + "other":                  markStart + "other",
		MarkPrefix(token) + "zzzzzzzz" + "x": MarkPrefix(token) + "zzzzzzzz" + "x",
		m[:10]:                               m[:10],
	} {
		if got := scan(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func FuzzScanner(f *testing.F) {
	f.Add("abc", "def")
	f.Add(string(Mark(token, 1)), "x")
	f.Fuzz(func(t *testing.T, a, b string) {
		if whole, cut := scan(a+b), scan(a, b); whole != cut {
			t.Errorf("%q whole, %q in two pieces", whole, cut)
		}
	})
}
