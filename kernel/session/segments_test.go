package session

import (
	"fmt"
	"strings"
	"testing"
)

func show(segs []segment) string {
	var out []string
	for _, s := range segs {
		switch s.kind {
		case goCode:
			out = append(out, fmt.Sprintf("go@%d %q", s.line, strings.TrimSpace(s.code)))
		case lineMagic:
			out = append(out, fmt.Sprintf("%%%s@%d(%s)", s.name, s.line, s.args))
		case cellMagic:
			out = append(out, fmt.Sprintf("%%%%%s@%d(%s) %q", s.name, s.line, s.args, s.body))
		case helpFor:
			out = append(out, "help "+s.name)
		case shell:
			out = append(out, fmt.Sprintf("!@%d(%s)", s.line, s.args))
		}
	}
	return strings.Join(out, " | ")
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"x := 1", `go@1 "x := 1"`},
		{"%who", `%who@1()`},
		{"  %time f(3)  \n", `%time@1(f(3))`},
		{"x := 1\n%who x\ny := 2\n", `go@1 "x := 1" | %who@2(x) | go@3 "y := 2"`},
		{"\n%%bash -x\nls\n%no\n", `%%bash@2(-x) "ls\n%no\n"`},
		{"%runpod_train?", "help runpod_train"},
		{"%%runpod_train?", "help runpod_train"},
		{"x := 1\n%%bash\nls", "go@1 \"x := 1\\n%%bash\\nls\""},
		{"!ls -l 'a b'", `!@1(ls -l 'a b')`},
		{"x := 1\n$ echo \"it's\" $HOME\ny := 2", `go@1 "x := 1" | !@2(echo "it's" $HOME) | go@3 "y := 2"`},
		{"x := 1\n!echo \"hi\"\ny := 2", `go@1 "x := 1" | !@2(echo "hi") | go@3 "y := 2"`},
		{"ok := a ||\n!b", `go@1 "ok := a ||\n!b"`},
		{"s := `\n%who\n!ls\n`\n%who", "go@1 \"s := `\\n%who\\n!ls\\n`\" | %who@5()"},
		{"/*\n%who\n*/\nx := 1", "go@1 \"/*\\n%who\\n*/\\nx := 1\""},
		{"f(\n!b,\n)", `go@1 "f(\n!b,\n)"`},
		{"func f() {\n\tx()\n}\n!ls", `go@1 "func f() {\n\tx()\n}" | !@4(ls)`},
		{"a := 7 % 3\nb := a %\n3", `go@1 "a := 7 % 3\nb := a %\n3"`},
		{"// it's\n%who", `go@1 "// it's" | %who@2()`},
	} {
		if got := show(split(c.in)); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestSplitKeepsLines(t *testing.T) {
	segs := split("a\n%m\n\nb\n")
	if got := segs[2].code; got != "\n\n\nb\n" {
		t.Errorf("got %q", got)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("x := 1\n%who\n!ls\n`\n%x\n`")
	f.Fuzz(func(t *testing.T, src string) {
		for _, s := range split(src) {
			if s.line < 1 || s.line > strings.Count(src, "\n")+1 {
				t.Errorf("%q: line %d", src, s.line)
			}
		}
	})
}
