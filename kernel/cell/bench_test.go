package cell

import (
	"fmt"
	"testing"
)

// big returns a notebook of n cells, each with a variable, a function, a type with a
// method and a use of the cell before.
func big(t testing.TB, n int) *notebook {
	nb := newNotebook(t)
	nb.run("import \"fmt\"\nfunc f0() int { return 0 }")
	for i := 1; i < n; i++ {
		nb.run(fmt.Sprintf("type t%d struct { a, b int }\nfunc (t t%[1]d) sum() int { return t.a + t.b }\nfunc f%[1]d() int { return f%d() + t%[1]d{1, 2}.sum() }\nv%[1]d := f%[1]d()\nfmt.Println(v%[1]d)", i, i-1))
	}
	return nb
}

func BenchmarkPrepare(b *testing.B) {
	for _, n := range []int{1, 300} {
		nb := big(b, n)
		b.Run(fmt.Sprintf("trivial/%dcells", n), func(b *testing.B) {
			for i := range b.N {
				if _, err := nb.Prepare(1000+i, "x := 1"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("use/%dcells", n), func(b *testing.B) {
			for i := range b.N {
				if _, err := nb.Prepare(1000000+i, fmt.Sprintf("y := f%d()\nfmt.Println(y)\ny", n-1)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("follow/%dcells", n), func(b *testing.B) {
			for i := range b.N {
				if _, err := nb.Prepare(2000000+i, "func f0() int { return 1 }"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("complete/%dcells", n), func(b *testing.B) {
			for range b.N {
				nb.Complete("fmt.Pri", 7)
			}
		})
	}
}
