package main

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

type emp struct {
	name string
	age  int
	dept string
}

type byAge []emp

func (a byAge) Len() int           { return len(a) }
func (a byAge) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a byAge) Less(i, j int) bool { return a[i].age < a[j].age }

func group(es []emp) map[string][]string {
	m := map[string][]string{}
	for _, e := range es {
		m[e.dept] = append(m[e.dept], e.name)
	}
	return m
}

func main() {
	es := []emp{{"Bob", 30, "eng"}, {"Al", 25, "ops"}, {"Cy", 35, "eng"}}
	sort.Sort(byAge(es))
	fmt.Println(es)
	sort.Slice(es, func(i, j int) bool { return es[i].name > es[j].name })
	fmt.Println(es[0].name)
	slices.SortFunc(es, func(a, b emp) int {
		return cmp.Or(strings.Compare(a.dept, b.dept), cmp.Compare(a.age, b.age))
	})
	fmt.Println(es, group(es))
	xs := []int{5, 2, 8}
	sort.Ints(xs)
	fmt.Println(xs, slices.Contains(xs, 8), slices.Index(xs, 5), slices.Max(xs))
	slices.Reverse(xs)
	fmt.Println(xs, slices.Equal(xs, []int{8, 5, 2}), slices.Compact([]int{1, 1, 2}))
}
