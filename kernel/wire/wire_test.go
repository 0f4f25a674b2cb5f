package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

// message returns a request as jupyter_client 8 sends it.
func message() [][]byte {
	return Encode(Message{
		Identities: [][]byte{[]byte("id")},
		Header:     Header{MsgID: "m1", Session: "s", Username: "u", Date: "2026-11-23T21:00:00.000000Z", MsgType: "kernel_info_request", Version: "5.4"},
		Content:    json.RawMessage(`{"code":"x < 1"}`),
		Buffers:    [][]byte{{0, 1, 2}},
	}, Key("secret"))
}

func TestSignatureIsWhatJupyterComputes(t *testing.T) {
	// hmac.new(b"secret", b"{}{}{}{}", sha256).hexdigest() in Python
	const want = "34982f0bfec60e7b933ffde06c1ecab0fba073717a95ab943d1dd06f82c2d5e4"
	got := Key("secret").sign([]byte("{}"), []byte("{}"), []byte("{}"), []byte("{}"))
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	m, err := Decode(message(), Key("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.MsgID != "m1" || string(m.Identities[0]) != "id" || string(m.Parent) != "{}" ||
		string(m.Content) != `{"code":"x < 1"}` || !bytes.Equal(m.Buffers[0], []byte{0, 1, 2}) {
		t.Errorf("%+v", m)
	}
}

// Keys that we do not know survive: a reply's parent_header is the request's header.
func TestHeaderIsKeptAsItCame(t *testing.T) {
	raw := `{"msg_id": "a", "msg_type": "t", "subshell_id": "x"}`
	frames := [][]byte{delimiter, {}, []byte(raw), []byte("{}"), []byte("{}"), []byte("{}")}
	m, err := Decode(frames, nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(m.RawHeader) != raw || string(Encode(m, nil)[2]) != raw {
		t.Errorf("header came back as %s", m.RawHeader)
	}
}

func TestDecodeRejects(t *testing.T) {
	set := func(i int, s string) func([][]byte) [][]byte {
		return func(f [][]byte) [][]byte {
			f[i] = []byte(s)
			parts := f[3:7]
			f[2] = Key("secret").sign(parts...)
			return f
		}
	}
	for name, c := range map[string]struct {
		change func([][]byte) [][]byte
		want   error
	}{
		"nothing":                 {func([][]byte) [][]byte { return nil }, ErrDelimiter},
		"no delimiter":            {func(f [][]byte) [][]byte { return f[2:] }, ErrDelimiter},
		"content missing":         {func(f [][]byte) [][]byte { return f[:6] }, ErrFrames},
		"delimiter only":          {func(f [][]byte) [][]byte { return f[:2] }, ErrFrames},
		"wrong signature":         {func(f [][]byte) [][]byte { f[2] = []byte("00"); return f }, ErrSignature},
		"empty signature":         {func(f [][]byte) [][]byte { f[2] = nil; return f }, ErrSignature},
		"changed content":         {func(f [][]byte) [][]byte { f[6] = []byte("{}"); return f }, ErrSignature},
		"header not JSON":         {set(3, "garbage"), ErrJSON},
		"header a list":           {set(3, "[]"), ErrJSON},
		"header field of no type": {set(3, `{"msg_id": 1, "msg_type": "t"}`), ErrJSON},
		"no msg_id":               {set(3, `{"msg_type": "t"}`), ErrHeader},
		"no msg_type":             {set(3, `{"msg_id": "a"}`), ErrHeader},
		"parent not an object":    {set(4, "null"), ErrJSON},
		"metadata not an object":  {set(5, `"x"`), ErrJSON},
		"content not an object":   {set(6, "{"), ErrJSON},
		"content empty":           {set(6, ""), ErrJSON},
	} {
		if _, err := Decode(c.change(message()), Key("secret")); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestNewKey(t *testing.T) {
	if _, err := NewKey("k", "hmac-md5"); !errors.Is(err, ErrScheme) {
		t.Errorf("hmac-md5: %v", err)
	}
	if k, err := NewKey("", "none"); err != nil || len(k.sign([]byte("x"))) != 0 {
		t.Errorf("no key: %v", err)
	}
}

func TestMarshal(t *testing.T) {
	b, err := Marshal(map[string]string{"t": "<b>&\xff"})
	if want := "{\"t\":\"<b>&\\ufffd\"}"; err != nil || string(b) != want {
		t.Errorf("%s, %v, want %s", b, err, want)
	}
	if _, err := Marshal(make(chan int)); err == nil {
		t.Error("a channel was encoded")
	}
}

func FuzzDecode(f *testing.F) {
	m := message()
	f.Add(bytes.Join(m, []byte{0}), true)
	f.Add([]byte("<IDS|MSG>\x00\x00{\"msg_id\":\"a\",\"msg_type\":\"b\"}\x00{}\x00{}\x00{}"), false)
	f.Fuzz(func(t *testing.T, b []byte, signed bool) {
		var key Key
		if signed {
			key = Key("secret")
		}
		m, err := Decode(bytes.Split(b, []byte{0}), key)
		if err != nil {
			return
		}
		again, err := Decode(Encode(m, key), key)
		if err != nil || again.Header != m.Header || !bytes.Equal(again.Content, m.Content) {
			t.Fatalf("came back as %+v, %v", again, err)
		}
	})
}
