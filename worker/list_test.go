package worker

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseList(t *testing.T) {
	rows := []struct {
		text   string
		shape  []int
		values []float64
	}{
		{`[1, -2.5e1, 3]`, []int{3}, []float64{1, -25, 3}},
		{` [ [1,2] , [3,4] , [5,6] ] `, []int{3, 2}, []float64{1, 2, 3, 4, 5, 6}},
		{`[[[1],[2]]]`, []int{1, 2, 1}, []float64{1, 2}},
		{`["Infinity","-Infinity"]`, []int{2}, []float64{math.Inf(1), math.Inf(-1)}},
		{`[]`, []int{0}, nil},
		{`[[],[]]`, []int{2, 0}, nil},
	}
	for _, r := range rows {
		got, err := ParseList([]byte(r.text))
		if err != nil {
			t.Errorf("%s: %v", r.text, err)
			continue
		}
		values, _ := got.Float64s()
		if !slices.Equal(got.Shape, r.shape) || !slices.Equal(values, r.values) {
			t.Errorf("%s: %v %v", r.text, got.Shape, values)
		}
	}
}

func TestParseListRejects(t *testing.T) {
	rows := []struct{ text, want string }{
		{`{}`, `is an object, wants a list`},
		{``, `is nothing, wants a list`},
		{`[1,2`, `wants , or ]`},
		{`[1 2]`, `wants , or ]`},
		{`[1,]`, `wants a number`},
		{`[[1,2],[3]]`, `[1]: has 1 elements, those before have 2`},
		{`[[1,2],3]`, `[1]: is a number, a list was expected`},
		{`[1,[2]]`, `[1]: is a list, a number was expected`},
		{`[[1],[[2]]]`, `[1][0]: is a list, a number was expected`},
		{`[[],[1]]`, `[1]`},
		{`[[[]],[]]`, `[1]`},
		{`[[1],[2,"x"]]`, `[1][1]: is the text "x", wants a number`},
		{`[true]`, `[0]: is true or false, wants a number`},
		{`[null]`, `[0]: is null, wants a number`},
		{`[1e999]`, `[0]: 1e999 is no number that a float64 holds`},
		{`[1-2]`, `[0]: 1-2 is no number`},
		{`[1]]`, `something follows the list`},
		{strings.Repeat("[", 1000), `more than 64 deep`},
	}
	for _, r := range rows {
		got, err := ParseList([]byte(r.text))
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, %v; want %q", r.text, got, err, r.want)
		}
	}
}

// FuzzParseList: what encoding/json takes for lists of numbers is taken, and
// nothing else but the three words.
func FuzzParseList(f *testing.F) {
	f.Add([]byte(`[[1,2],[3,4]]`))
	f.Add([]byte(`[[],[]]`))
	f.Add([]byte(`[1,[2]]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseList(raw)
		if err != nil {
			return
		}
		if n, ok := Elements(got.Shape); !ok || n*8 != len(got.Data) {
			t.Fatalf("%s: shape %v with %d bytes", raw, got.Shape, len(got.Data))
		}
		var v []any
		if json.Unmarshal(raw, &v) == nil && len(v) != got.Shape[0] {
			t.Fatalf("%s: %d rows", raw, got.Shape[0])
		}
	})
}

func BenchmarkParseList(b *testing.B) {
	var s strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&s, ",[%d.123456,0.5,%d,1e-3]", i, i)
	}
	raw := []byte("[" + s.String()[1:] + "]")
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := ParseList(raw); err != nil {
			b.Fatal(err)
		}
	}
}
