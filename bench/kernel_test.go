// Package bench measures what docs/benchmarks.md reports.
package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/session"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// nobody takes a cell's output.
type nobody struct{}

func (nobody) Stream(string, []byte)   {}
func (nobody) Display(display.Message) {}
func (nobody) Result(display.Message)  {}
func (nobody) Clear(bool)              {}
func (nobody) Input(context.Context, string, bool) (string, error) {
	return "", kernel.ErrNoStdin
}

// BenchmarkCell measures new cells, each different, from the request to its end.
// GOPHERPOD_BENCH_HOST keeps the host between runs; without it the first
// benchmark makes one, which takes a minute or more. The median is reported
// besides the mean.
func BenchmarkCell(b *testing.B) {
	dir := os.Getenv("GOPHERPOD_BENCH_HOST")
	if dir == "" {
		dir = b.TempDir()
	}
	for _, mode := range []build.Mode{build.Classic, build.Fast} {
		b.Run(string(mode), func(b *testing.B) { cells(b, dir, mode) })
	}
}

func cells(b *testing.B, dir string, mode build.Mode) {
	h, err := build.Prepare(b.Context(), build.Options{Source: "..", Dir: dir + "/" + string(mode), Mode: mode})
	if err != nil {
		b.Fatal(err)
	}
	s := session.New(session.Options{Host: h, Dir: b.TempDir()})
	defer s.Close()
	n := 0
	run := func(src string) {
		n++
		if err := s.Execute(b.Context(), kernel.Cell{Source: src, Count: n}, nobody{}); err != nil {
			b.Fatalf("%s: %v", src, err)
		}
	}
	run("import \"gonum.org/v1/gonum/mat\"\nA, B := mat.NewDense(50, 50, nil), mat.NewDense(50, 50, nil)\nvar C mat.Dense")
	for _, c := range []struct{ name, src string }{
		{"assign", "x := %d"},
		{"print", "fmt.Println(\"hello\", %d)"},
		{"multiply", "C.Mul(A, B)\nC.At(%d%%50, 0)"},
		{"func", "func f(n int) (s int) { for i := range n { s += i }; return s }\nf(%d)"},
		{"variable", "A"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				begin := time.Now()
				src := c.src
				if strings.Contains(src, "%") {
					src = fmt.Sprintf(src, n)
				}
				run(src)
				times = append(times, time.Since(begin))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-median")
		})
	}
}
