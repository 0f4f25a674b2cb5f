package build

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// SelfTestEnv is a variable that makes the session program load the files in it, run
// their entries and exit with status 0. It lists file=entry, separated by semicolons.
const SelfTestEnv = "GOPHERPOD_SELF_TEST"

// selfTestTime is the timeout for running the cells of the self-test, which takes a
// second or two.
const selfTestTime = 60 * time.Second

// selfTest builds cells and runs them. It fails if this version of Go does not behave as
// the mode requires.
func (h *Host) selfTest(ctx context.Context) error {
	folder, err := scratch.Make()
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	defer folder.Close()
	dir := folder.Path
	var cells []string
	for i, src := range selfTestCells {
		sub := filepath.Join(dir, fmt.Sprint(i+1))
		if err := os.Mkdir(sub, 0o755); err != nil {
			return fmt.Errorf("build: %w", err)
		}
		name := fmt.Sprintf("nbcell%d", i+1)
		src = strings.ReplaceAll(src, "KEEP", keepText[h.m.Mode])
		head := "package main\n" + amdImport[h.m.Mode]
		o, err := h.Builder().Cell(ctx, Input{Dir: sub, Path: name, Files: map[string]string{"run.go": head + src}})
		if err != nil {
			return fmt.Errorf("the self-test does not build: %w", err)
		}
		cells = append(cells, o.File+"="+name+".main")
	}
	ctx, cancel := context.WithTimeout(ctx, selfTestTime)
	defer cancel()
	out, err := run(ctx, dir, append(environ(), SelfTestEnv+"="+strings.Join(cells, ";")), h.Program())
	if err != nil {
		return fmt.Errorf("the self-test fails: %w", shortened(err))
	}
	if got := strings.TrimSpace(string(out)); got != selfTestWant {
		return fmt.Errorf("the cells of the self-test print %q, not %q", got, selfTestWant)
	}
	return nil
}

// shortened keeps the first lines of a crash, which hold the reason. The stacks of all
// goroutines follow them.
func shortened(err error) error {
	ce, ok := err.(*CommandError)
	if !ok {
		return err
	}
	const most = 3
	lines := strings.SplitN(strings.TrimSpace(ce.Output), "\n", most+1)
	c := *ce
	c.Output = strings.Join(lines[:min(most, len(lines))], "; ")
	return &c
}

var (
	amdImport = map[Mode]string{Fast: "import nbamd__ \"nbamd\"\n"}
	keepText  = map[Mode]string{Fast: "if nbrt__.False { nbrt__.Keep(&nbrt__.AddModuleData, nbamd__.F) }"}
)

// selfTestCells share a variable, a type with methods, an interface with an
// unexported method, a generic function and a map between two modules, and call
// the host with more words than the linker's jump tables may touch. The last one
// stresses the heap.
var selfTestCells = []string{selfTestHead + `
type shape interface{ area() int }
type square struct{ side int }
func (s square) area() int { return s.side * s.side }
func sum[T any](xs []T, f func(T) int) (n int) { for _, x := range xs { n += f(x) }; return n }
var s square
var a any
var m map[string]shape
//go:linkname nbCell1 nbcell1.main
func nbCell1() {
	KEEP;_ = nbrt__.False
	s = square{3}
	a = s
	m = map[string]shape{"s": s}
	fmt.Printf("%T %d %d ", a, sum([]square{s, s}, square.area), nbrt__.Ninth(1, 2, 3, 4, 5, 6, 7, 8, 99))
}
`, selfTestHead + `
type shape interface{ area() int }
type square struct{ side int }
func (s square) area() int { return s.side * s.side }
var s square
var a any
var m map[string]shape
//go:linkname nbCell2 nbcell2.main
func nbCell2() {
	KEEP;_ = nbrt__.False
	q, ok := a.(square)
	fmt.Print(ok, q == s, m["s"].area(), a.(shape).area(), " ")
	defer func() { fmt.Println(recover()) }()
	var none *square
	fmt.Println(none.side)
}
`, selfTestHead + heapStress}

const selfTestHead = `import nbrt__ "` + runtimePath + `"
import "fmt"
import _ "unsafe"
`

const selfTestWant = "main.square 18 99 true true 9 9 runtime error: invalid memory address or nil pointer dereference\nheap ok"

// heapStress is the rest of a cell that collects garbage while reflect's stubs hold
// numbers and pointers in their frames. If the run-time mistakes a number for a pointer,
// it crashes, because the numbers are addresses of freed memory; if it misses a pointer,
// a finalizer runs too early.
//
//go:embed heapstress.go.txt
var heapStress string
