package main

import (
	"fmt"
	"maps"
	"slices"
)

type key struct{ x, y int }

func main() {
	m := map[string]int{"one": 1, "two": 2}
	m["three"] = 3
	delete(m, "one")
	v, ok := m["one"]
	fmt.Println(v, ok, len(m))
	if n, found := m["two"]; found {
		fmt.Println("two is", n)
	}
	m["missing"]++
	m["missing"] += 5
	fmt.Println(m, slices.Sorted(maps.Keys(m)))
	grid := map[key]string{{1, 2}: "a", {3, 4}: "b"}
	grid[key{1, 2}] += "!"
	fmt.Println(grid[key{1, 2}], grid[key{9, 9}] == "")
	nested := map[string]map[int][]string{}
	if nested["x"] == nil {
		nested["x"] = map[int][]string{}
	}
	nested["x"][1] = append(nested["x"][1], "p", "q")
	fmt.Println(nested)
	var nilmap map[int]bool
	fmt.Println(nilmap[3], len(nilmap))
	funcs := map[string]func(int) int{"sq": func(i int) int { return i * i }}
	fmt.Println(funcs["sq"](7))
	clear(m)
	fmt.Println(len(m))
}
