package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell/celltest"
)

const cCell = `/*
#cgo LDFLAGS: -lm
#include <math.h>
#include <stdlib.h>
typedef struct { int x; double y; char name[8]; } point;
int counter = 7;
static int add(int a, int b) { return a + b; }
static double norm(point *p) { return sqrt(p->x * p->x + p->y * p->y); }
static point mk(int x) { point p = {x, 1.5, "ab"}; return p; }
typedef int (*cb)(int);
static int call(cb f, int x) { return f(x); }
int twice(int x) { return 2*x; }
int version(void) { return 1; }
enum color { RED, GREEN = 5 };
#define NAME "hello"
#define PI 3.25
static void crash(void) { *(volatile int *)0 = 1; }
*/
import "C"
import "unsafe"

func Add(a, b int) int { return int(C.add(C.int(a), C.int(b))) }
p := C.point{x: 3, y: 4}
r, err := C.sqrt(-1)
fmt.Println(Add(2, 3), C.norm(&p), r, err, C.GREEN, C.NAME, C.PI, C.counter, C.sizeof_point)
C.counter = 9
s := C.CString("text")
fmt.Println(C.GoString(s), C.counter, C.call(C.cb(C.twice), 21), C.version())
C.free(unsafe.Pointer(s))
C.mk(3)`

// TestC tests C code in cells: using its functions, types, variables and macros from the
// same cell and from later ones, replacing it, and the errors in it.
func TestC(t *testing.T) {
	e2e(t)
	n := newSession(t)
	for _, c := range []struct{ src, want string }{
		{cCell, "stdout:5 5 NaN numerical argument out of domain 5 hello 3.25 7 24\ntext 9 42 1\n¦result:{x:3 y:1.5 name:[97 98 0 0 0 0 0 0]}"},
		{"p", "result:{x:3 y:4 name:[0 0 0 0 0 0 0 0]}"},
		{"Add(40, 2)", "result:42"},
		{"import \"C\"\nq := C.mk(8)\nfmt.Println(q.x, C.counter, C.version(), C.fabs(-2))", "stdout:8 9 1 2\n"},
		{"import \"C\"\ntype Stack struct { items []C.int }\nfunc (s Stack) Top() C.int { return s.items[0] }\nStack{[]C.int{3}}.Top()", "result:3"},
		{strings.Replace(cCell, "return 1;", "return 2;", 1), "stdout:5 5 NaN numerical argument out of domain 5 hello 3.25 7 24\ntext 9 42 2\n¦result:{x:3 y:1.5 name:[97 98 0 0 0 0 0 0]}"},
		{"/*\nstruct point { double z; int x; };\nstatic double sum(struct point p) { return p.z + p.x; }\n*/\nimport \"C\"\nC.sum(C.struct_point{z: 1.5, x: 2})", "result:3.5"},
		{"Add(1, 1)", "result:2"},
	} {
		if got := n.ok(c.src); got != c.want {
			t.Errorf("%s\n%q, want %q", c.src, got, c.want)
		}
	}
	for _, c := range []struct {
		src  string
		want []string
	}{
		{"/*\nstatic int broken(int a) {\n  return b;\n}\n*/\nimport \"C\"\nC.broken(1)", []string{":3:10: ", "C: 'b' undeclared", "  return b;"}},
		{"/*\n#include <nothere.h>\n*/\nimport \"C\"", []string{":2:10: ", "nothere.h: No such file or directory"}},
		{cCell + "\nC.addd(1, 2)", []string{":31:1: ", "could not determine what C.addd refers to", "C.addd(1, 2)"}},
		{cCell + "\nC.add(1)", []string{":31:8: ", "not enough arguments in call to C.add"}},
		{cCell + "\nC.norm(3)", []string{":31:8: ", "as *C.struct___0 value in argument to C.norm"}},
		{"import (\"fmt\"; \"C\")", []string{`import "C" is in a group with other imports`}},
		{"/*\nstatic int hidden = 4;\n*/\nimport \"C\"\nC.hidden", []string{"C: nothing defines hidden, or it is static"}},
		{"/*\n*/\nimport \"C\"\n//export F\nfunc F() {}", []string{"a cell's functions cannot be exported to C"}},
	} {
		got := trace(n.run(c.src).err)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s\n%s\nhas no %q", c.src, got, want)
			}
		}
	}
	n.ok(cCell)
	if got := trace(n.run("import \"C\"\nC.crash()").err); !strings.Contains(got, "SIGSEGV") || !strings.Contains(got, "in C.crash") || !strings.Contains(got, "Lost with it") {
		t.Errorf("after a crash: %s", got)
	}
	if got := n.ok("import \"C\"\nfmt.Println(Add(4, 5), C.counter, C.version())"); got != "stdout:9 7 1\n" {
		t.Errorf("after a crash: %q", got)
	}
	n.ok("%reset")
	if got := n.ok(cCell + "\nAdd(1, 2)"); !strings.HasSuffix(got, "result:3") {
		t.Errorf("after a reset: %q", got)
	}
}

// TestCProgram runs an ordinary program with C code as one cell.
func TestCProgram(t *testing.T) {
	e2e(t)
	dir := t.TempDir()
	source, err := os.ReadFile("testdata/cgo.go")
	if err != nil {
		t.Fatal(err)
	}
	bin := compile(t, []celltest.Program{{Name: "c", Source: string(source)}}, false)
	want := runExecutable(t, filepath.Join(bin, "c"))
	write(t, dir, nil)
	runProgram(t, build.Mode(os.Getenv("GOPHERPOD_TEST_MODE")), []string{string(source)}, want)
}
