package main

import "fmt"

type Set[T comparable] = map[T]struct{}
type Pair[A, B any] struct {
	First  A
	Second B
}
type Named[B any] = Pair[string, B]
type List[T any] = []T

func keys[T comparable](s Set[T]) int { return len(s) }

func mapList[T, U any](l List[T], f func(T) U) List[U] {
	out := make(List[U], 0, len(l))
	for _, v := range l {
		out = append(out, f(v))
	}
	return out
}

func main() {
	s := Set[int]{1: {}, 2: {}}
	fmt.Println(keys(s), len(s))
	n := Named[float64]{"pi", 3.14}
	fmt.Printf("%v %T\n", n, n)
	l := mapList(List[int]{1, 2, 3}, func(i int) string { return fmt.Sprint(i * i) })
	fmt.Printf("%q %T\n", l, l)
	var m Set[Named[int]] = Set[Named[int]]{{"a", 1}: {}}
	_, ok := m[Pair[string, int]{"a", 1}]
	fmt.Println(ok)
}
