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

func (r *record) Display(m Message) { r.got = append(r.got, m) }
func (r *record) Clear(wait bool)   { r.got = append(r.got, Message{ID: fmt.Sprint("clear ", wait)}) }
func (r *record) Format(v any) Data { return Data{"text/plain": fmt.Sprint(v)} }

func (r *record) Context() context.Context { return context.Background() }
func (r *record) Input(prompt string, password bool) (string, error) {
	return fmt.Sprint(prompt, password), nil
}

func TestOutsideANotebook(t *testing.T) {
	sink.Store(nil)
	HTML("x").Update(Data{})
	Display(3).Display(4)
	Clear(true)
	Handle{}.Update(Data{})
	if _, err := Input("name"); err != ErrNobody {
		t.Errorf("got %v", err)
	}
}

func TestSink(t *testing.T) {
	r := &record{}
	SetSink(r)
	defer sink.Store(nil)
	h := Markdown("*a*")
	h.Update(Data{"text/plain": "b"})
	Display(7)
	Clear(true)
	Image(image.NewGray(image.Rect(0, 0, 3, 2)))
	Handle{}.Update(Data{})
	if s, err := Password("p"); s != "ptrue" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
	if len(r.got) != 5 {
		t.Fatalf("got %d messages: %v", len(r.got), r.got)
	}
	if m := r.got[0]; m.ID == "" || m.Update || !reflect.DeepEqual(m.Data, Data{"text/markdown": "*a*", "text/plain": "*a*"}) {
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
