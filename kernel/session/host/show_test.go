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
		want string // what text/plain contains
		mime string // another type that is present
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
		{"image", []any{image.NewRGBA(image.Rect(0, 0, 4, 3))}, "an image of 4×3 pixels (*image.RGBA)", "image/png"},
		{"nil image", []any{(*image.RGBA)(nil)}, "<nil>", ""},
		{"handle", []any{display.Handle{}}, "", ""},
		{"structs", []any{[]point{{1, 2}}}, "[{X:1 Y:2}]", "text/html"},
		{"pointers to structs", []any{[]*point{{1, 2}, nil}}, "[0x", "text/html"},
		{"map", []any{map[string]int{"a": 1}}, "map[a:1]", "text/html"},
		{"rows", []any{[][]float64{{1, 2}, {3, 4}}}, "[[1 2] [3 4]]", "text/html"},
		{"ragged rows", []any{[][]float64{{1, 2}, {3}}}, "[[1 2] [3]]", ""},
		{"durations", []any{[]time.Duration{time.Second}}, "[1s]", ""},
		{"matrix", []any{mat.NewDense(2, 2, []float64{1, 2, 3, 4.5})}, "mat.Dense 2×2\n[1    2]\n[3  4.5]", "text/html"},
		{"matrix value", []any{*mat.NewDense(1, 1, nil)}, "mat.Dense 1×1", "text/html"},
		{"large matrix", []any{mat.NewDense(100, 50, nil)}, "⋮", "text/html"},
		{"empty matrix", []any{&mat.Dense{}}, "mat.Dense 0×0", ""},
		{"nil matrix", []any{(*mat.Dense)(nil)}, "nil", ""},
		{"vector", []any{mat.NewVecDense(2, []float64{1, 2})}, "mat.VecDense 2×1", "text/html"},
		{"plot where nothing knows plots", []any{plot.New()}, "*plot.Plot", "image/svg+xml"},
		{"data", []any{display.Data{Data: display.MIMEMap{"text/markdown": "*x*"}}}, "*x*", "text/markdown"},
	} {
		b := (&host{}).bundle(c.in...).Data
		text, _ := b["text/plain"].(string)
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: %q lacks %q", c.name, text, c.want)
		}
		if c.mime != "" && b[c.mime] == nil {
			t.Errorf("%s: no %s", c.name, c.mime)
		}
	}
}

func TestTable(t *testing.T) {
	many := map[int]string{}
	for i := range 100 {
		many[i] = "v" + strings.Repeat("<", i)
	}
	for _, c := range []struct {
		name string
		in   any
		want []string // parts of the HTML, in their order
	}{
		{"structs", []point{{1, 2}, {3, 4}}, []string{"[]host.point, 2 elements", "<b>X</b>", "<b>Y</b>", ">0<", ">1<", ">2<", ">1<", ">3<", ">4<"}},
		{"pointers", []*point{nil, {5, 6}}, []string{"<b>Y</b>", ">0<", ">nil<", ">1<", ">5<", ">6<"}},
		{"unexported fields", []struct{ a time.Duration }{{time.Second}}, []string{"<b>a</b>", ">1000000000<"}},
		{"map", many, []string{"100 entries", ">0<", ">9<", "v&lt;&lt;", "⋮", ">90<", ">99<", "…"}},
		{"map of interfaces", map[any]any{"b": nil, "a": []int{1}}, []string{">a<", ">[1]<", ">b<", "nil"}},
		{"rows", [][]float64{{1, 1.0 / 3}}, []string{"1×2", ">1<", ">0.3333<"}},
		{"many rows", make([][]float64, 0), nil},
		{"text", []string{"a"}, nil},
		{"wide structs", []struct{ A, B, C, D, E, F, G, H, I, J, K, L, M int }{{}}, nil},
		{"ragged", [][]int{{1}, {}}, nil},
		{"empty rows", [][]int{{}}, nil},
		{"array", [2]point{}, []string{"[2]host.point"}},
		{"errors", []error{errors.New("x")}, nil},
	} {
		html, ok := asTable(c.in)
		if ok != (c.want != nil) {
			t.Errorf("%s: %v, %s", c.name, ok, html)
		}
		rest := html
		for _, want := range c.want {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s: no %q in its place in\n%s", c.name, want, html)
				break
			}
			rest = after
		}
	}
}
