package session

import (
	"go/version"
	"runtime"
	"strings"
	"testing"
)

// TestHeap runs a program from Go's own tests that calls reflect.MakeFunc on many
// goroutines during garbage collection. If a stack map is wrong, the collector mistakes
// numbers for pointers and the session crashes.
func TestHeap(t *testing.T) {
	e2e(t)
	n := newSession(t)
	n.ok(`import "fmt"`)
	n.ok(makeFuncProgram)
	for range 25 {
		if got := n.ok("main()"); got != "" {
			t.Fatalf("got %q", got)
		}
	}
}

// TestGenericMethods declares and calls methods with type parameters, which Go has since 1.27.
func TestGenericMethods(t *testing.T) {
	e2e(t)
	n := newSession(t)
	const decl = "type Box[T any] struct{ v T }\nfunc (b Box[T]) Map[U any](f func(T) U) Box[U] { return Box[U]{f(b.v)} }"
	if installed := n.o.Host.GoVersion(); version.Compare(installed, "go1.27") < 0 || version.Compare(runtime.Version(), "go1.27") < 0 {
		err := trace(n.run(decl).err)
		for _, want := range []string{"CompileError", "1.27", installed} {
			if !strings.Contains(err, want) {
				t.Errorf("%s is not in %s", want, err)
			}
		}
		return
	}
	n.ok(decl)
	if got := n.ok("Box[int]{3}.Map(func(i int) string { return fmt.Sprint(i, \"!\") }).v"); got != "result:3!" {
		t.Errorf("got %q", got)
	}
	n.ok("type list []int\nfunc (l list) Fold[A any](a A, f func(A, int) A) A {\n\tfor _, x := range l {\n\t\ta = f(a, x)\n\t}\n\treturn a\n}")
	if got := n.ok("list{1, 2, 3}.Fold(\"\", func(s string, x int) string { return s + fmt.Sprint(x) })"); got != "result:123" {
		t.Errorf("got %q", got)
	}
}

const makeFuncProgram = `import "reflect"

func two(args []reflect.Value) []reflect.Value {
	type pair struct{ a, b int }
	return []reflect.Value{reflect.ValueOf(pair{1, 2})}
}

func main() {
	f := reflect.MakeFunc(reflect.TypeFor[func() any](), two).Interface().(func() any)
	done := make(chan bool, 100)
	for range 100 {
		go func() {
			for range 10000 {
				f()
			}
			done <- true
		}()
	}
	for range 100 {
		<-done
	}
}
`
