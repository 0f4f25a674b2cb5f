package main

import (
	"cmp"
	"fmt"
	"strings"
)

type number interface{ ~int | ~int64 | ~float64 }

func mapTo[T, U any](xs []T, f func(T) U) []U {
	out := make([]U, 0, len(xs))
	for _, x := range xs {
		out = append(out, f(x))
	}
	return out
}

func reduce[T, A any](xs []T, init A, f func(A, T) A) A {
	for _, x := range xs {
		init = f(init, x)
	}
	return init
}

func sum[T number](xs ...T) (s T) {
	for _, x := range xs {
		s += x
	}
	return
}

func maxOf[T cmp.Ordered](first T, rest ...T) T {
	for _, x := range rest {
		if x > first {
			first = x
		}
	}
	return first
}

func size[M ~map[K]V, K comparable, V any](m M) int { return len(m) }

func ptr[T any](v T) *T { return &v }

func zero[T any]() (z T) { return }

type myInt int

func (m myInt) String() string { return fmt.Sprintf("<%d>", int(m)) }

func stringify[T fmt.Stringer](xs []T) string { return strings.Join(mapTo(xs, T.String), ",") }

func main() {
	fmt.Println(mapTo([]int{1, 2, 3}, func(i int) string { return strings.Repeat("*", i) }))
	fmt.Println(reduce([]string{"a", "bb"}, 0, func(n int, s string) int { return n + len(s) }))
	fmt.Println(sum(1, 2, 3), sum(1.5, 2), sum[myInt](1, 2), sum[int]())
	fmt.Println(maxOf("b", "a", "c"), maxOf(2.5), size(map[string]int{"a": 1}))
	fmt.Println(*ptr("p"), zero[[]int]() == nil, zero[string]() == "", stringify([]myInt{1, 2}))
	f := sum[float64]
	fmt.Println(f(0.5, 0.25))
	fmt.Printf("%T %T\n", ptr(1), mapTo[int, bool])
}
