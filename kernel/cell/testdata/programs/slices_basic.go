package main

import "fmt"

func modify(s []int) { s[0] = -1 }

func grow(s []int) []int { return append(s, 4, 5) }

func main() {
	var none []int
	fmt.Println(none == nil, len(none), cap(none))
	s := []int{1, 2, 3}
	modify(s)
	t := grow(s)
	fmt.Println(s, t)
	u := make([]int, 2, 10)
	v := append(u, 7)
	w := append(u, 8)
	fmt.Println(v[2], w[2], len(u))
	fmt.Println(t[1:], t[:2], t[1:3], t[:0])
	n := copy(u, t)
	fmt.Println(n, u)
	grid := make([][]rune, 3)
	for i := range grid {
		grid[i] = []rune("...")
	}
	grid[1][1] = '#'
	for _, row := range grid {
		fmt.Println(string(row))
	}
	arr := [3]int(t[:3])
	ptr := (*[2]int)(t)
	ptr[0] = 50
	fmt.Println(arr, t[0])
	clear(t)
	fmt.Println(t)
}
