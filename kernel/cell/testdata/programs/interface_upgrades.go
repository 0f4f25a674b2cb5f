package main

import (
	"fmt"
	"io"
)

type T struct{ n int }

func (t *T) Write(b []byte) (int, error)       { return len(b), nil }
func (t *T) WriteString(s string) (int, error) { return len(s), nil }

type V int

func (v V) A() int { return int(v) }
func (v V) B() int { return int(v) }

type IA interface{ A() int }
type IB interface{ B() int }

func main() {
	var a IA = V(3)
	b := a.(IB)
	b2 := a.(IB)
	fmt.Println(b == b2)
	var c IB = V(3)
	fmt.Println(b == c, c == b)
	switch x := b.(type) {
	case V:
		fmt.Println("V", x)
	default:
		fmt.Println("other")
	}
	m := map[IB]int{b: 1}
	fmt.Println(m[V(3)], m[c])
	v, ok := b.(V)
	fmt.Println(v, ok)
	var w io.Writer = &T{1}
	sw := w.(io.StringWriter)
	t, ok := sw.(*T)
	fmt.Println(t.n, ok)
	switch sw.(type) {
	case *T:
		fmt.Println("T")
	default:
		fmt.Println("?")
	}
	fmt.Println(sw == io.StringWriter(t))
}
