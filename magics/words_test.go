package magics

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/magic"
)

func TestWords(t *testing.T) {
	vars := newVars(map[string]any{"lr": 0.01, "n": 3, "name": "a b", "opts": struct{ Rate float64 }{0.5}, "X": []float64{1}})
	for _, c := range []struct {
		line string
		want []string
		err  string
	}{
		{``, nil, ""},
		{`  -d X,y   --epochs 3 `, []string{"-d", "X,y", "--epochs", "3"}, ""},
		{`-o 'a b' "c d" e\ f`, []string{"-o", "a b", "c d", "e f"}, ""},
		{`"a\"b" 'a\b' a"b"c`, []string{`a"b`, `a\b`, "abc"}, ""},
		{`--lr $lr --n=${n}x '$lr' $$1`, []string{"--lr", "0.01", "--n=3x", "$lr", "$1"}, ""},
		{`$name "$name!"`, []string{"a b", "a b!"}, ""},
		{`${opts.Rate}`, []string{"0.5"}, ""},
		{`"" ''`, []string{"", ""}, ""},
		{`größe "ü"`, []string{"größe", "ü"}, ""},
		{`\`, []string{`\`}, ""},
		{`'a`, nil, "a ' is not closed"},
		{`"a`, nil, `a " is not closed`},
		{`$`, nil, "want a variable's name after $; $$ is a dollar"},
		{`${n`, nil, "a ${ is not closed"},
		{`$nam`, nil, "there is no variable nam; did you mean name?"},
		{`$zzz`, nil, "there is no variable zzz; define it in a cell before"},
		{`$X`, nil, "$X is a []float64; want a number, a string or a bool"},
		{`${opts.rate}`, nil, "opts has no exported field rate; did you mean Rate?"},
	} {
		got, err := words(c.line, vars)
		if c.err != "" {
			var u *magic.UsageError
			if !errors.As(err, &u) || u.Msg != c.err {
				t.Errorf("words(%q): error %v, want %q", c.line, err, c.err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("words(%q) = %q, %v, want %q", c.line, got, err, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	vars := newVars(map[string]any{"hidden": 64, "p": 0.2})
	got, err := expand("linear $hidden\nrelu\ndropout ${p}\nlinear 10 # costs $$1", vars)
	if want := "linear 64\nrelu\ndropout 0.2\nlinear 10 # costs $1"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := expand("linear $hiden", vars); err == nil || !strings.Contains(err.Error(), "did you mean hidden?") {
		t.Errorf("error %v", err)
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{`-d X,y`, `'a`, `"$n"`, `${n}`, `$$`, `\`, "\xff$", "\xff"} {
		f.Add(s)
	}
	vars := newVars(map[string]any{"n": 3})
	f.Fuzz(func(t *testing.T, line string) {
		a, err := words(line, vars)
		if err != nil {
			return
		}
		for _, w := range a {
			if len(w) > len(line) {
				t.Fatalf("word %q is longer than %q", w, line)
			}
		}
	})
}

// fakeVars are the variables of a session in memory.
type fakeVars struct {
	mu sync.Mutex
	m  map[string]reflect.Value
}

func newVars(values map[string]any) *fakeVars {
	v := &fakeVars{m: map[string]reflect.Value{}}
	for name, value := range values {
		if err := v.Define(name, value); err != nil {
			panic(err)
		}
	}
	return v
}

func (v *fakeVars) Lookup(name string) (reflect.Value, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	x, ok := v.m[name]
	return x, ok
}

func (v *fakeVars) Names() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var names []string
	for n := range v.m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (v *fakeVars) Define(name string, value any) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := reflect.New(reflect.TypeOf(value))
	p.Elem().Set(reflect.ValueOf(value))
	v.m[name] = p.Elem()
	return nil
}
