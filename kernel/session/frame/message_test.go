package frame

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/display"
)

type page string

func TestPack(t *testing.T) {
	d := Pack(display.Message{Data: display.MIMEMap{"text/plain": page("x"), "application/json": map[string]int{"a": 1}, "image/png": []byte{1}, "x/y": func() {}}}).Data
	if d["text/plain"] != "x" && !strings.Contains(d["text/plain"].(string), "does not encode") {
		t.Errorf("got %v", d)
	}
	if string(d["application/json"].([]byte)) != `{"a":1}` || d["x/y"] != nil {
		t.Errorf("got %v", d)
	}
}

// Output reaches Jupyter unchanged, through a frame and as JSON.
func TestMessageTravels(t *testing.T) {
	var pipe bytes.Buffer
	in := display.Message{
		Data:     display.MIMEMap{"text/plain": "x", "image/png": []byte{1, 2, 3}, "application/vnd.a+json": map[string]any{"big": 1 << 60}, "application/pdf": []byte("%")},
		Metadata: display.MIMEMap{"image/png": map[string]any{"alt": "dots", "width": 3}, "receipt": struct{ Seed int64 }{1<<62 + 1}, "bad": math.NaN()},
		ID:       "d1", Update: true,
	}
	if err := Write(&pipe, Event{Op: Display, Message: Pack(in)}); err != nil {
		t.Fatal(err)
	}
	var e Event
	if err := Read(bufio.NewReader(&pipe), &e); err != nil {
		t.Fatal(err)
	}
	m := e.Unpack()
	if m.ID != "d1" || !m.Update {
		t.Errorf("got %+v", m)
	}
	for _, c := range []struct {
		got  any
		want string
	}{
		{m.Data, `{"application/pdf":"JQ==","application/vnd.a+json":{"big":1152921504606846976},"image/png":"AQID","text/plain":"x"}`},
		{m.Metadata, `{"image/png":{"alt":"dots","width":3},"receipt":{"Seed":4611686018427387905}}`},
	} {
		if b, err := json.Marshal(c.got); err != nil || string(b) != c.want {
			t.Errorf("got %s, %v; want %s", b, err, c.want)
		}
	}
	if m := (Event{}).Unpack(); m.Data != nil {
		t.Errorf("nothing shown: %v", m)
	}
}
