package cell

import "testing"

func TestIsComplete(t *testing.T) {
	for _, c := range []struct{ src, status, indent string }{
		{"", "complete", ""},
		{"x := 3", "complete", ""},
		{"x := := 3", "invalid", ""},
		{"fmt.Println(1)", "complete", ""},
		{"fmt.Println(1,", "incomplete", "\t"},
		{"fmt.Println(", "incomplete", "\t"},
		{"x := 1 +", "incomplete", ""},
		{"x := a &&", "incomplete", ""},
		{"x :=", "incomplete", ""},
		{"x.", "incomplete", ""},
		{"for i := range 3 {", "incomplete", "\t"},
		{"for i := range 3", "incomplete", ""},
		{"for i := range 3 {\n}", "complete", ""},
		{"for i := 0; i < 3; i++ {", "incomplete", "\t"},
		{"for i := 0; i < 3; i++ {\n\tif x {", "incomplete", "\t\t"},
		{"if x {\n} else", "incomplete", ""},
		{"if x {\n}", "complete", ""},
		{"func f()", "incomplete", ""},
		{"func f()\n0", "invalid", ""},
		{"func f() {", "incomplete", "\t"},
		{"func f() int { return 1 }", "complete", ""},
		{"func (p point) String() string {\n\treturn \"\"\n}", "complete", ""},
		{"type t struct {", "incomplete", "\t"},
		{"type t", "incomplete", ""},
		{"import (", "incomplete", "\t"},
		{"import \"fmt\"", "complete", ""},
		{"x := `raw", "incomplete", ""},
		{"/* comment", "incomplete", ""},
		{"// comment", "complete", ""},
		{"x := \"abc", "invalid", ""},
		{"x := 'a", "invalid", ""},
		{")", "invalid", ""},
		{"f(]", "invalid", ""},
		{"x y z", "invalid", ""},
		{"x y z\nfor {", "invalid", ""},
		{"package main\nfunc main() {\n}", "complete", ""},
		{"a := []int{\n\t1,", "incomplete", "\t"},
		{"switch x {\ncase 1:", "incomplete", "\t"},
		{"var", "incomplete", ""},
		{"1 2", "invalid", ""},
		{"go func() {\n}()", "complete", ""},
		{"go func() {\n}", "incomplete", ""},
		{"x := \x00", "invalid", ""},
	} {
		if status, indent := IsComplete(c.src); status != c.status || indent != c.indent {
			t.Errorf("IsComplete(%q) = %q, %q, want %q, %q", c.src, status, indent, c.status, c.indent)
		}
	}
}

func FuzzIsComplete(f *testing.F) {
	for _, src := range []string{"x := 1", "for {", "`", "/*", "func A()\n0", "func f() {}\nx.", "if a := []int{1}; a {", "\xff"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		status, _ := IsComplete(src)
		switch status {
		case "complete":
			if _, errs := parseCell(1, src); len(errs) > 0 {
				t.Errorf("%q is complete, but: %v", src, errs)
			}
		case "incomplete", "invalid":
		default:
			t.Errorf("status %q", status)
		}
	})
}
