package host

import (
	"fmt"
	"image"
	"strings"
	"testing"
)

type nested []nested

func TestCycles(t *testing.T) {
	slice := []any{1, nil}
	slice[1] = slice
	m := map[string]any{"a": 1}
	m["self"] = m
	self := nested{nil}
	self[0] = self
	type node struct {
		Name string
		Next *node
		All  []any
	}
	ring := &node{Name: "a"}
	ring.Next = ring
	tangled := &node{Name: "b"}
	tangled.All = []any{tangled.All, nil}
	tangled.All[1] = tangled.All
	var deep any
	for range 2_000_000 {
		deep = []any{deep}
	}
	for _, c := range []struct {
		v    any
		want string
	}{
		{slice, "[1 …(the same []interface {} again)]"},
		{m, "map["},
		{self, "[…(the same host.nested again)]"},
		{tangled, "&{Name:b Next:<nil> All:[[] …(the same []interface {} again)]}"},
		{deep, "[[[[[[[[["},
	} {
		if !cyclic(c.v) {
			t.Errorf("%T is not found", c.v)
			continue
		}
		if got := textOf(c.v); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	twice := []int{1, 2}
	for _, v := range []any{ring, [][]int{twice, twice}, []any{twice, twice}, nil, 3, make([]float64, 1<<22), []fmt.Stringer{nil}, slice[:1]} {
		if cyclic(v) {
			t.Errorf("%T is taken for a cycle", v)
		}
	}
}

func TestImagesAreBounded(t *testing.T) {
	h := &host{}
	for _, c := range []struct {
		v    any
		want string
	}{
		{image.White, "*image.Uniform, 2000000000×2000000000 pixels: no picture of that size is shown"},
		{image.Rect(1, 2, 30, 40), "(1,2)-(30,40)"},
		{image.Rect(0, 0, 1<<30, 1<<30), "(0,0)-(1073741824,1073741824)"},
		{image.Pt(3, 4), "(3,4)"},
		{&image.Gray{Rect: image.Rect(0, 0, 1<<40, 1<<40), Stride: 1}, "*image.Gray, 1099511627776×1099511627776 pixels: no picture of that size is shown"},
		{image.NewRGBA(image.Rect(0, 0, 0, 5)), "*image.RGBA, 0×5 pixels: no picture of that size is shown"},
	} {
		if m := h.bundleOf(c.v); m.Data["text/plain"] != c.want || len(m.Data) != 1 {
			t.Errorf("%T: got %v, want %q", c.v, m.Data, c.want)
		}
	}
}
