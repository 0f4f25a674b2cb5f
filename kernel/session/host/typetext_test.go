package host

import (
	"errors"
	"io"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
)

type hidden struct{}

func TestTypeText(t *testing.T) {
	type pair[T any] struct{ A, B T }
	for _, c := range []struct {
		value   any
		want    string
		imports string
	}{
		{3, "int", ""},
		{[]float64{}, "[]float64", ""},
		{map[string][]time.Duration{}, "map[string][]time.Duration", "time=time"},
		{&mat.Dense{}, "*mat.Dense", "mat=gonum.org/v1/gonum/mat"},
		{[3]*io.LimitedReader{}, "[3]*io.LimitedReader", "io=io"},
		{func(int, ...string) error { return nil }, "func(int, ...string) (error)", ""},
		{make(<-chan []int), "<-chan ([]int)", ""},
		{[]any{}, "[]interface {}", ""},
		{struct {
			A int `json:"a"`
			B struct{}
		}{}, `struct{ A int "json:\"a\""; B struct{  } }`, ""},
		{hidden{}, "", ""},
		{[]hidden{}, "", ""},
		{pair[int]{}, "", ""},
		{struct{ a int }{}, "", ""},
		{reflect.ValueOf(3), "reflect.Value", "reflect=reflect"},
	} {
		imports := map[string]string{}
		got, err := typeText(reflect.TypeOf(c.value), imports)
		var unwritable *UnwritableError
		if c.want == "" {
			if !errors.As(err, &unwritable) {
				t.Errorf("%T: got %q, %v", c.value, got, err)
			}
			continue
		}
		var is []string
		for n, p := range maps.All(imports) {
			is = append(is, n+"="+p)
		}
		if got = strings.Replace(got, "any", "interface {}", 1); err != nil || got != c.want || strings.Join(is, " ") != c.imports {
			t.Errorf("%T: got %q, %v, %v", c.value, got, is, err)
		}
	}
}
