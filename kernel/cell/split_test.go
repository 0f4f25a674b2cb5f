package cell

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		src  string
		want []string // kind letter and text: p package, i import, d declaration, s statement; ! if ended by a written semicolon
	}{
		{"", nil},
		{"// only a comment", nil},
		{"x := 1; y := 2\nz", []string{"s!x := 1", "sy := 2", "sz"}},
		{"package main\nimport \"fmt\"", []string{"ppackage main", "iimport \"fmt\""}},
		{"func f() {\n}\nfunc (t T) m() {}", []string{"dfunc f() {\n}", "dfunc (t T) m() {}"}},
		{"func (t *T[K]) m() {}", []string{"dfunc (t *T[K]) m() {}"}},
		{"func() {}()", []string{"sfunc() {}()"}},
		{"func(a int) (b int) { return a }(1)", []string{"sfunc(a int) (b int) { return a }(1)"}},
		{"func (a, b int) int { return a }(1, 2)", []string{"sfunc (a, b int) int { return a }(1, 2)"}},
		{"type a int; const b = 1", []string{"d!type a int", "dconst b = 1"}},
		{"for i := 0; i < 3; i++ { f() }\ng()", []string{"sfor i := 0; i < 3; i++ { f() }", "sg()"}},
		{"if x := []int{1}; len(x) > 0 { f() } else { g() }", []string{"sif x := []int{1}; len(x) > 0 { f() } else { g() }"}},
		{"if x { f() }; y", []string{"s!if x { f() }", "sy"}},
		{"l:\nfor ; ; { break l }\ny", []string{"sl:\nfor ; ; { break l }", "sy"}},
		{"switch x := f(); x {\ncase 1:\n}\ny", []string{"sswitch x := f(); x {\ncase 1:\n}", "sy"}},
		{"a.\n  b().\n  c()", []string{"sa.\n  b().\n  c()"}},
		{"x // comment\ny /* more */ ;", []string{"sx", "s!y"}},
		{"s := `raw\n;{`\nt", []string{"ss := `raw\n;{`", "st"}},
		{"var (\n\ta = 1\n\tb = 2\n)", []string{"svar (\n\ta = 1\n\tb = 2\n)"}},
	} {
		chunks, errs := split(1, c.src)
		if len(errs) > 0 {
			t.Errorf("%q: %v", c.src, errs)
		}
		var got []string
		for _, ch := range chunks {
			s := string("spid"[ch.kind])
			if ch.semi {
				s += "!"
			}
			got = append(got, s+ch.src)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("split(%q)\n got %q\nwant %q", c.src, got, c.want)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"f(", "In[1]:1:2: syntax error: ( is never closed"},
		{"x := 1\n  }", "In[1]:2:3: syntax error: unexpected }"},
		{"} func f() {", "In[1]:1:1: syntax error: unexpected }"},
		{"f(]", "In[1]:1:3: syntax error: unexpected ]"},
		{"x := \"abc", "In[1]:1:6: string literal not terminated"},
		{"xᐟ2 := 1", "In[1]:1:1: the name xᐟ2 is reserved"},
		{"nbrt__ := 1", "In[1]:1:1: the name nbrt__ is reserved"},
	} {
		_, errs := split(1, c.src)
		if len(errs) == 0 || !strings.HasPrefix(errs.Error(), c.want) {
			t.Errorf("split(%q): %v, want %s", c.src, errs, c.want)
		}
	}
}

// Chunks are in the order of the cell, and at the positions that they name.
func FuzzSplit(f *testing.F) {
	for _, src := range []string{"x := 1; y", "for i := 0; i < 3; i++ {}\nz", "func (t T) m() {}", "if a := b; c {} else {}", "`", "l: for {}", "type (a int; b int)", "\xff", "x\r\ny"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		chunks, _ := split(1, src)
		lines := strings.Split(src, "\n")
		from := 0
		for _, ch := range chunks {
			if ch.line < 1 || ch.line > len(lines) || !strings.HasPrefix(lines[ch.line-1][ch.col-1:], strings.Split(ch.src, "\n")[0]) {
				t.Fatalf("chunk %q is not at %d:%d of %q", ch.src, ch.line, ch.col, src)
			}
			at := strings.Index(src[from:], ch.src)
			if at < 0 {
				t.Fatalf("chunk %q is not in %q behind %d", ch.src, src, from)
			}
			from += at + len(ch.src)
		}
	})
}

// No source makes Prepare panic or hang, and its errors are at positions in the cell.
func FuzzPrepare(f *testing.F) {
	for _, src := range []string{"x := 1", "import . \"math\"\nSqrt(2)", "type t struct{}\nfunc (t) m() {}", "func main() {}", "var a, b = 1",
		"type a = b\ntype b = a\nfunc (a) m() {}", "const c = iota", "go f(1, nil)", "for v := range ch {}", "import \"nosuch\"", "l: x"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s := New(testConfig(t))
		u, err := s.Prepare(1, "import \"fmt\"\ntype old int\nfunc (o old) String() string { return \"old\" }\nch := make(chan int)\nv := old(1)\nfmt.Println(v)")
		if err != nil {
			t.Fatal(err)
		}
		s.Commit(u)
		if _, err := s.Prepare(2, src); err != nil {
			for _, d := range err.(Errors) {
				if d.Line < 1 || d.Col < 1 || strings.Contains(d.Msg, "type checker failed") {
					t.Errorf("%q: %s", src, d)
				}
			}
		}
		IsComplete(src)
		s.Complete(src, len(src)/2)
		s.Inspect(src, len(src)/2, 1)
	})
}
