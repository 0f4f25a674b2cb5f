package cgo

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	s, err := cut("x := 1\n// int f(void);\n/* static int g(int a) { return a; } */\nimport \"C\"\nv, err := C.f()\na, b := C.g(1), C.g(2)\nif r, e := C.f(); e != nil { _ = r }\nvar p *C.point = nil // C.comment\nz.C.no(3)\nw := \"C.text\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if s.preamble != " int f(void);\n static int g(int a) { return a; } \n" || s.line != 2 || s.text[s.from:s.to] != `import "C"` {
		t.Errorf("%q from line %d, %q", s.preamble, s.line, s.text[s.from:s.to])
	}
	var got []string
	for _, u := range s.uses {
		if s.text[u.at:u.end] != "C."+u.name {
			t.Errorf("%q for %s", s.text[u.at:u.end], u.name)
		}
		got = append(got, fmt.Sprintln(u.name, u.call, u.two, u.line))
	}
	if want := []string{"f true true 5\n", "g true false 6\n", "g true false 6\n", "f true true 7\n", "point false false 8\n"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	for _, text := range []string{"x := 1", `w := "C"`, "// import \"C\""} {
		if s, err := cut(text); s != nil || err != nil {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"import (\n\t\"fmt\"\n\t\"C\"\n)", "import \"C\"\nimport \"C\"", "import \"C\"\n//export F\nfunc F() {}"} {
		var e *Error
		if _, err := cut(text); !errors.As(err, &e) || e.Line == 0 || e.Hint == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A comment that a blank line separates from the import is not part of the C code.
func TestComment(t *testing.T) {
	if s, err := cut("// int a;\n\n// int b;\nimport \"C\""); err != nil || s.preamble != " int b;\n" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestDefined(t *testing.T) {
	var got []string
	for _, u := range defined(`
#include <a.h>
#define TWICE(x) ((x) * \
	2)
// int not(void);
typedef struct { int in; } point;
typedef int (*cb)(int);
struct pair { int a, b; };
static int add(int a, int b) { if (a) { return b; } return TWICE(a); }
unsigned long *many(void);
int counter = 7, other;
static int hidden = 4;
extern int elsewhere;
int table[3] = { 1, 2, 3 };
const char *text = "int nor(void);";
enum color { RED };
`) {
		got = append(got, fmt.Sprint(u.name, u.call))
	}
	if want := []string{"addtrue", "manytrue", "counterfalse", "tablefalse", "textfalse"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestCell runs the real cmd/cgo, if there is a C compiler.
func TestCell(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no C compiler")
	}
	n := New(t.TempDir(), func(ctx context.Context, dir string) ([]string, string, error) {
		c := exec.CommandContext(ctx, "go", "list", "-compiled", "-f", `{{range .CompiledGoFiles}}{{println .}}{{end}}`, ".")
		c.Dir = dir
		out, err := c.Output()
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			return nil, string(failed.Stderr), err
		}
		return strings.Fields(string(out)), "", err
	})
	const code = "/*\nstruct point { int x; };\nint counter;\nstatic int add(int a, struct point b) { return a + b.x; }\n*/\nimport \"C\"\n"
	c, err := n.Cell(t.Context(), code+"C.add(1, C.struct_point{x: 2})\nC.counter++")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nC_add(1, C_struct_point{x: 2})\n(*Cvcounter())++\n", "type C_int int32", "type C_struct_point__1 struct", "type C_struct_point = C_struct_point__1", "func C_add(p0 C_int, p1 C_struct_point__1) (r1 C_int) { nbcgo1.X_add(&r1, &p0, &p1); return }", `import nbcgo1 "gopherpod.cgo/c1"`} {
		if !strings.Contains(c.Source, want) {
			t.Errorf("no %q in\n%s", want, c.Source)
		}
	}
	if c.Told("cannot use C_struct_point__1 as C_int") != "cannot use C.struct_point as C_int" || c.Line(6) != `import "C"` || Function("C_add") != "C.add" || Function("Cat") != "" {
		t.Errorf("%q", c.Told("cannot use C_struct_point__1 as C_int"))
	}
	c.Commit()
	again, err := n.Cell(t.Context(), "import \"C\"\nC.add(2, C.struct_point{})")
	if err != nil || again.Path != "" || strings.Contains(again.Source, "func C_add") {
		t.Errorf("%v, %+v", err, again)
	}
	var e *Error
	if _, err := n.Cell(t.Context(), "import \"C\"\nx := C.int(1)\nC.none(x)"); !errors.As(err, &e) || e.Line != 3 || e.Col != 1 {
		t.Errorf("%v", err)
	}
	if _, err := n.Cell(t.Context(), "/*\nint f(void) {\n\treturn y; }\n*/\nimport \"C\""); !errors.As(err, &e) || e.Line != 3 {
		t.Errorf("%v", err)
	}
}

func FuzzCut(f *testing.F) {
	f.Add("/* int f(void) { return 1; } */\nimport \"C\"\na, b := C.f()")
	f.Add("import (\"C\")")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := cut(text)
		if s == nil || err != nil {
			return
		}
		for _, u := range s.uses {
			if u.at < 0 || u.end > len(text) || !strings.HasPrefix(text[u.at:], "C") {
				t.Fatalf("%+v in %q", u, text)
			}
		}
		defined(s.preamble)
	})
}
