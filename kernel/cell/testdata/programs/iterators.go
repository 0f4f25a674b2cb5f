package main

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				fmt.Print("(stopped) ")
				return
			}
		}
	}
}

func enumerate[T any](xs []T) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for i, x := range xs {
			if !yield(i, x) {
				return
			}
		}
	}
}

func filter[T any](s iter.Seq[T], keep func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for v := range s {
			if keep(v) && !yield(v) {
				return
			}
		}
	}
}

func first(s iter.Seq[int]) int {
	for v := range s {
		return v
	}
	return -1
}

func deferred() {
	for i := range count(3) {
		defer fmt.Print("deferred ", i, "; ")
	}
}

func main() {
	for i := range count(100) {
		if i == 2 {
			break
		}
		fmt.Print(i, " ")
	}
	for i, s := range enumerate([]string{"a", "b", "c"}) {
		if i == 1 {
			continue
		}
		fmt.Print(i, s, " ")
	}
	even := filter(count(10), func(i int) bool { return i%2 == 0 })
	fmt.Println(slices.Collect(even), first(even))
	next, stop := iter.Pull(slices.Values([]int{0, 1, 2}))
	a, ok := next()
	b, _ := next()
	stop()
	fmt.Println(a, b, ok)
	m := map[string]int{"x": 1, "y": 2}
	fmt.Println(slices.Sorted(maps.Keys(m)), slices.Sorted(maps.Values(m)))
	deferred()
	fmt.Println()
}
