package display

import (
	"context"
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"
)

type record struct{ got []Message }

func (r *record) Display(m Message)    { r.got = append(r.got, m) }
func (r *record) Clear(wait bool)      { r.got = append(r.got, Message{ID: fmt.Sprint("clear ", wait)}) }
func (r *record) Format(v any) Message { return Message{Data: MIMEMap{"text/plain": fmt.Sprint(v)}} }

func (r *record) Context() context.Context { return context.Background() }
func (r *record) Input(prompt string, password bool) (string, error) {
	return fmt.Sprint(prompt, password), nil
}

func TestOutsideANotebook(t *testing.T) {
	sink.Store(nil)
	HTML("x").Update(MIMEMap{})
	Display(3).Display(4)
	Clear(true)
	Handle{}.Update(MIMEMap{})
	if _, err := Input("name"); err != ErrNobody {
		t.Errorf("got %v", err)
	}
}

func TestSink(t *testing.T) {
	r := &record{}
	SetSink(r)
	defer sink.Store(nil)
	h := Markdown("*a*")
	h.Update(MIMEMap{"text/plain": "b"})
	Display(7)
	Clear(true)
	Image(image.NewGray(image.Rect(0, 0, 3, 2)))
	Handle{}.Update(MIMEMap{})
	if s, err := Password("p"); s != "ptrue" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
	if len(r.got) != 5 {
		t.Fatalf("got %d messages: %v", len(r.got), r.got)
	}
	if m := r.got[0]; m.ID == "" || m.Update || !reflect.DeepEqual(m.Data, MIMEMap{"text/markdown": "*a*", "text/plain": "*a*"}) {
		t.Errorf("got %+v", m)
	}
	if m := r.got[1]; m.ID != r.got[0].ID || !m.Update {
		t.Errorf("got %+v", m)
	}
	if m := r.got[2]; m.Data["text/plain"] != "7" {
		t.Errorf("got %+v", m)
	}
	if s := r.got[4].Data["text/plain"]; !strings.Contains(s.(string), "3×2") {
		t.Errorf("got %v", s)
	}
}

func TestAlt(t *testing.T) {
	img := ImageData(image.NewGray(image.Rect(0, 0, 3, 2)))
	for _, c := range []struct {
		name      string
		in        Message
		caption   string
		alt, text string
	}{
		{"size", Message{Data: img}, "", "an image of 3×2 pixels (*image.Gray)", "an image of 3×2 pixels (*image.Gray)"},
		{"caption", Message{Data: img}, "two dots", "two dots", "two dots"},
		{"given", Message{Data: img, Metadata: map[string]any{"image/png": map[string]any{"alt": "dots"}}}, "", "dots", "an image of 3×2 pixels (*image.Gray)"},
		{"no picture", Message{Data: MIMEMap{"text/plain": "x"}}, "two dots", "", "x"},
		{"jpeg", Message{Data: MIMEMap{"image/jpeg": []byte("?"), "text/plain": "x"}}, "", "x", "x"},
	} {
		m := c.in
		if c.caption != "" {
			Caption(c.caption)(&m)
			if m.Alt() != c.alt {
				t.Errorf("%s: alt %q before it is described", c.name, m.Alt())
			}
		}
		m = m.Described()
		if m.Alt() != c.alt || m.Data["text/plain"] != c.text {
			t.Errorf("%s: alt %q, text %q", c.name, m.Alt(), m.Data["text/plain"])
		}
	}
	if img["text/plain"] == "two dots" {
		t.Error("a caption changed the caller's data")
	}
}

func TestEncodedImages(t *testing.T) {
	r := &record{}
	SetSink(r)
	defer sink.Store(nil)
	PNG(ImageData(image.NewGray(image.Rect(0, 0, 3, 2)))["image/png"].([]byte), Caption("dots"))
	JPEG([]byte("no image"))
	if m := r.got[0]; m.Alt() != "dots" || m.Data["text/plain"] != "dots" {
		t.Errorf("got %v", m)
	}
	if m := r.got[1]; m.Alt() != "" || m.Data["text/plain"] != "a JPEG image of 8 bytes" {
		t.Errorf("got %v", m)
	}
}
