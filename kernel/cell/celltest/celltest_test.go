package celltest

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestParse(t *testing.T) {
	f, err := Parse("dir/some.txt", "x := 1\n%%\n#int 30\nfor {} //want interrupted\n%%\n%%\ny //want a  b\nz")
	if err != nil {
		t.Fatal(err)
	}
	want := []Cell{
		{N: 1, Source: "x := 1"},
		{N: 2, Source: "for {} //want interrupted", Want: "interrupted", Interrupt: 30 * time.Millisecond},
		{N: 3, Source: ""},
		{N: 4, Source: "y //want a  b\nz", Want: "a  b"},
	}
	if f.Name != "some" || !slices.Equal(f.Cells, want) {
		t.Errorf("got %+v", f)
	}
	if !(Cell{Want: "a b"}).Match("x a\n  b y") || (Cell{Want: "a"}).Match("b") {
		t.Error("Match")
	}
	if _, err := Parse("x", "#int soon\nx"); err == nil {
		t.Error("a bad #int is read")
	}
}

func TestEmptyFolders(t *testing.T) {
	if _, err := ParseDir(fstest.MapFS{}, "cells"); err == nil {
		t.Error("no cells, no error")
	}
	if _, err := ParsePrograms(fstest.MapFS{}, "programs"); err == nil {
		t.Error("no programs, no error")
	}
}

func TestParseProgram(t *testing.T) {
	head := "package main\nimport \"fmt\"\nvar x = 1\nfunc f() {}\n"
	for _, c := range []struct {
		main string
		want []string // after the first cell
	}{
		{"a := 1\n\tfmt.Println(a); f()", []string{"a := 1", "fmt.Println(a)", "f()"}},
		{"a := 1\n\tdefer f()\n\tf()", []string{"a := 1", "defer f()\n\tf()"}},
		{"f()\n\tif x > 0 {\n\t\treturn\n\t}\n\tf()", []string{"f()", "if x > 0 {\n\t\treturn\n\t}\n\tf()"}},
		{"g := func() int { return 1 }\n\tg()", []string{"g := func() int { return 1 }", "g()"}},
		{"x := 2\n\tf()", []string{"func() {\n\tx := 2\n\tf()\n}()"}},
		{"var fmt int", []string{"func() {\n\tvar fmt int\n}()"}},
	} {
		p, err := ParseProgram("dir/p.go", head+"func main() {\n\t"+c.main+"\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != "p" || !slices.Equal(p.Cells[1:], c.want) {
			t.Errorf("%q: %q, want %q", c.main, p.Cells[1:], c.want)
		}
		if strings.Contains(p.Cells[0], "main()") || !strings.Contains(p.Cells[0], "func f() {}") {
			t.Errorf("first cell %q", p.Cells[0])
		}
	}
	for _, bad := range []string{"package main\nfunc f() {}", "package main\nfunc main() {"} {
		if _, err := ParseProgram("p.go", bad); err == nil {
			t.Errorf("%q is a program", bad)
		}
	}
}
