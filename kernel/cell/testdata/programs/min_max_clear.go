package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

type Temp float64

func clamp[T int | float64 | string](v, lo, hi T) T { return min(max(v, lo), hi) }

func main() {
	fmt.Println(min(3, 1, 2), max(2.5, 1), min("b", "a"), max(Temp(1), 2))
	const c = min(1, 2.5, 'a')
	fmt.Println(c, clamp(15, 0, 10), clamp("m", "a", "f"))
	fmt.Println(math.IsNaN(min(1, math.NaN())), max(math.Inf(-1), -0.0))
	m := map[float64]int{math.NaN(): 1, 2: 3}
	m[math.NaN()] = 5
	fmt.Println(len(m))
	clear(m)
	fmt.Println(len(m), m == nil)
	s := []int{1, 2, 3, 4}
	clear(s[1:3])
	fmt.Println(s, len(s), cap(s[:0:2]))
	var e []string
	clear(e)
	fmt.Println(slices.Sorted(maps.Keys(map[string]bool{"z": true, "a": true})), slices.Max([]int{3, 9, 2}))
	type P struct{ a, b int }
	ps := []P{{1, 2}, {0, 5}}
	slices.SortFunc(ps, func(x, y P) int { return x.a - y.a })
	fmt.Println(ps, slices.Index(ps, P{1, 2}), slices.Repeat([]int{1, 2}, 2))
	for c := range slices.Chunk([]int{1, 2, 3, 4, 5}, 2) {
		fmt.Print(c)
	}
	fmt.Println(slices.Collect(maps.Values(map[int]int{1: 2})))
}
