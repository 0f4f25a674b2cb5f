package cell

import (
	"go/version"
	"runtime"
	"strings"
	"testing"
)

// TestLanguage: the language of cells is the older of the compiler's and the parser's.
func TestLanguage(t *testing.T) {
	own := version.Lang(runtime.Version())
	for _, c := range []struct{ installed, want string }{
		{"go1.26.8", "go1.26"}, {"go1.99.1", own}, {runtime.Version(), own}, {"", ""},
	} {
		s := New(Config{GoVersion: c.installed})
		if got := s.language(); got != c.want && own != "" {
			t.Errorf("%q: got %q, want %q", c.installed, got, c.want)
		}
	}
	s := New(Config{GoVersion: "go1.99.1"})
	if got := s.languageHint("syntax error: " + methodParameters); !strings.Contains(got, "compiled with go1.99.1, but gopherpod was built with "+runtime.Version()) {
		t.Errorf("got %q", got)
	}
	if got := s.languageHint("undefined: x"); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestClassifyGenericMethods: a method with type parameters is not mistaken for a function
// literal whose result has a generic type.
func TestClassifyGenericMethods(t *testing.T) {
	for src, want := range map[string]chunkKind{
		"func (b Box[T]) Map[U any](f func(T) U) Box[U] { return b }": declChunk,
		"func (b Box) M[A, B any, C []int]() {}":                      declChunk,
		"func (b Box) M() {}":                                         declChunk,
		"func (n int) Box[int] { return Box[int]{n} }(3)":             stmtChunk,
		"func (n int) Box { return Box{n} }(3)":                       stmtChunk,
		"func (n int) [3]int { return [3]int{n} }(3)":                 stmtChunk,
	} {
		chunks, errs := split(1, src)
		if len(errs) > 0 || len(chunks) != 1 || chunks[0].kind != want {
			t.Errorf("%s: got %+v, %v", src, chunks, errs)
		}
	}
}
