package host

import (
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	_ "gonum.org/v1/plot/vg/vgsvg"

	"github.com/gopherpod/gopherpod/kernel/display"
)

type page string

func (p page) HTML() string { return "<p>" + string(p) }

type broken struct{}

func (broken) HTML() string { panic("no") }

type point struct{ X, Y int }

func TestBundle(t *testing.T) {
	long := make([]int, 1000)
	for _, c := range []struct {
		name string
		in   []any
		want string // text/plain contains
		mime string // is there too
	}{
		{"number", []any{3}, "3", ""},
		{"text", []any{"a\nb"}, "a\nb", ""},
		{"struct", []any{point{1, 2}}, "{X:1 Y:2}", ""},
		{"pointer", []any{&point{1, 2}}, "&{X:1 Y:2}", ""},
		{"nil", []any{nil}, "<nil>", ""},
		{"error", []any{errors.New("no")}, "no", ""},
		{"duration", []any{time.Second}, "1s", ""},
		{"several", []any{1, "x"}, "1 x", ""},
		{"without error", []any{7, nil}, "7", ""},
		{"with error", []any{0, errors.New("bad")}, "0 bad", ""},
		{"long slice", []any{long}, "(1000 elements)", ""},
		{"long array", []any{[300]int{}}, "(300 elements)", ""},
		{"long text", []any{strings.Repeat("x", 100000)}, "34464 bytes more", ""},
		{"html", []any{page("x")}, "x", "text/html"},
		{"panics", []any{broken{}}, "showing it panicked: no", ""},
		{"image", []any{image.NewRGBA(image.Rect(0, 0, 4, 3))}, "*image.RGBA, 4×3", "image/png"},
		{"nil image", []any{(*image.RGBA)(nil)}, "<nil>", ""},
		{"matrix", []any{mat.NewDense(2, 2, []float64{1, 2, 3, 4.5})}, "mat.Dense 2×2\n[1    2]\n[3  4.5]", "text/html"},
		{"matrix value", []any{*mat.NewDense(1, 1, nil)}, "mat.Dense 1×1", "text/html"},
		{"large matrix", []any{mat.NewDense(100, 50, nil)}, "⋮", "text/html"},
		{"empty matrix", []any{&mat.Dense{}}, "mat.Dense 0×0", ""},
		{"nil matrix", []any{(*mat.Dense)(nil)}, "nil", ""},
		{"vector", []any{mat.NewVecDense(2, []float64{1, 2})}, "mat.VecDense 2×1", "text/html"},
		{"plot", []any{plot.New()}, "*plot.Plot", "image/svg+xml"},
		{"data", []any{display.Data{"text/markdown": "*x*"}}, "*x*", "text/markdown"},
	} {
		b := bundle(c.in...)
		text, _ := b["text/plain"].(string)
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: %q lacks %q", c.name, text, c.want)
		}
		if c.mime != "" && b[c.mime] == nil {
			t.Errorf("%s: no %s", c.name, c.mime)
		}
	}
}

func TestWire(t *testing.T) {
	d := wire(map[string]any{"text/plain": page("x"), "application/json": map[string]int{"a": 1}, "image/png": []byte{1}, "x/y": func() {}})
	if d["text/plain"] != "x" && !strings.Contains(d["text/plain"].(string), "does not encode") {
		t.Errorf("got %v", d)
	}
	if string(d["application/json"].([]byte)) != `{"a":1}` || d["x/y"] != nil {
		t.Errorf("got %v", d)
	}
}
