package main

import (
	"fmt"
	"sort"
	"strings"
)

type Matrix [3][3]int

func (m *Matrix) T() {
	for i := range m {
		for j := range i {
			m[i][j], m[j][i] = m[j][i], m[i][j]
		}
	}
}

func (m Matrix) Mul(o Matrix) (r Matrix) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				r[i][j] += m[i][k] * o[k][j]
			}
		}
	}
	return
}

type byLen []string

func (b byLen) Len() int           { return len(b) }
func (b byLen) Less(i, j int) bool { return len(b[i]) < len(b[j]) }
func (b byLen) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func modify(a [3]int, s []int) { a[0], s[0] = 100, 100 }

func variadic(pre string, xs ...int) string { return fmt.Sprint(pre, len(xs), xs == nil, xs) }

func two() (string, int) { return "two", 2 }

func main() {
	m := Matrix{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}
	n := m
	n.T()
	fmt.Println(m, n, m.Mul(n) == m.Mul(n), m == n)
	a, s := [3]int{1, 2, 3}, []int{1, 2, 3}
	modify(a, s)
	fmt.Println(a, s)
	x := []int{1, 2, 3, 4, 5}
	y := x[1:3]
	y = append(y, 99)
	fmt.Println(x, y, len(y), cap(y))
	z := x[1:3:3]
	z = append(z, -1)
	fmt.Println(x, z)
	copy(x[1:], x)
	fmt.Println(x, copy(x, []int{7}))
	words := byLen(strings.Fields("ccc a bb dddd"))
	sort.Sort(sort.Reverse(words))
	fmt.Println(words)
	fmt.Println(variadic("a"), variadic("b", 1, 2), variadic("c", x[:2]...), variadic("d", []int(nil)...))
	fmt.Println(variadic(two()))
	grid := make([][]rune, 3)
	for i := range grid {
		grid[i] = []rune(strings.Repeat(".", 4))
	}
	grid[1][2] = '#'
	for _, r := range grid {
		fmt.Println(string(r))
	}
	i := 0
	i, x[i] = 2, 42
	fmt.Println(i, x)
	x[0], x[1], x[2] = x[2], x[0], x[1]
	fmt.Println(x)
	var nilS []int
	nilS = append(nilS, nilS...)
	fmt.Println(nilS == nil, len(nilS[:]), append([]byte("ab"), "cd"...))
	mm := map[[2]int][]string{{1, 2}: {"a"}}
	mm[[2]int{1, 2}] = append(mm[[2]int{1, 2}], "b")
	fmt.Println(mm, len(mm[[2]int{}]))
	pp := []*struct{ v int }{{1}, {2}}
	for _, p := range pp {
		p.v *= 10
	}
	fmt.Println(*pp[0], pp[1].v)
	arrp := &[...]int{5, 6, 7}
	for i := range arrp {
		arrp[i]++
	}
	fmt.Println(arrp[1:], len(arrp), *arrp)
	x = append(x[:1], x[2:]...)
	fmt.Println(x, strings.Map(func(r rune) rune {
		if r == 'a' {
			return -1
		}
		return r + 1
	}, "banana"))
}
