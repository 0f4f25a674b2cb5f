package main

import (
	"fmt"
	"sort"
)

type Key struct {
	a string
	b [2]int
	c any
}

type Graph map[string]map[string]float64

func (g Graph) Edge(a, b string, w float64) Graph {
	for _, p := range [][2]string{{a, b}, {b, a}} {
		if g[p[0]] == nil {
			g[p[0]] = map[string]float64{}
		}
		g[p[0]][p[1]] = w
	}
	return g
}

type List struct {
	v    int
	next *List
}

func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return 1 + l.next.Len()
}

type Tree struct {
	*Tree
	n int
}

func main() {
	m := map[Key]int{{"x", [2]int{1, 2}, 3}: 1}
	m[Key{"x", [2]int{1, 2}, 3}]++
	m[Key{"x", [2]int{1, 2}, 3.0}] += 5
	fmt.Println(len(m), m[Key{"x", [2]int{1, 2}, 3}])
	g := Graph{}.Edge("a", "b", 1).Edge("b", "c", 2)
	var ks []string
	for k := range g {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	fmt.Println(ks, g["b"])
	delete(g, "a")
	delete(g, "zzz")
	_, ok := g["a"]
	fmt.Println(ok, len(g))
	var l *List
	for i := range 3 {
		l = &List{i, l}
	}
	fmt.Println(l.Len(), l.next.next.v, (*List)(nil).Len())
	t := Tree{&Tree{nil, 1}, 2}
	fmt.Println(t.n, t.Tree.n)
	type pt struct{ x, y int }
	mp := map[string]*pt{"a": {1, 2}}
	mp["a"].x = 10
	ms := map[string]pt{"a": {1, 2}}
	v := ms["a"]
	v.x = 10
	fmt.Println(*mp["a"], ms["a"], v)
	for k := range mp {
		delete(mp, k)
	}
	fmt.Println(len(mp))
	count := map[string]map[int][]string{}
	for _, w := range []string{"go", "is", "fun", "yes"} {
		c := count["len"]
		if c == nil {
			c = map[int][]string{}
			count["len"] = c
		}
		c[len(w)] = append(c[len(w)], w)
	}
	fmt.Println(count)
	func() {
		defer func() { fmt.Println(recover()) }()
		var nm map[string]int
		fmt.Println(nm["a"])
		nm["a"]++
	}()
	func() {
		defer func() { fmt.Println(recover()) }()
		bad := map[any]int{}
		bad[[]int{1}] = 1
	}()
	self := map[string]any{}
	self["me"] = &self
	fmt.Println(len(*self["me"].(*map[string]any)))
	fmt.Println(map[bool]string{true: "t", false: "f"}[3 > 2], struct{ a, b int }{1, 2} == struct{ a, b int }{1, 2})
	set := map[pt]struct{}{}
	set[pt{1, 1}] = struct{}{}
	if _, in := set[pt{1, 1}]; in {
		fmt.Println("in")
	}
	anon := []struct {
		name string
		fn   func(float64) float64
	}{{"sq", func(x float64) float64 { return x * x }}, {name: "nil"}}
	for _, a := range anon {
		fmt.Println(a.name, a.fn == nil)
	}
}
