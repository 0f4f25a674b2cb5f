package main

import "fmt"

type grid [2][2]int

type holder struct {
	arr   [3]int
	slice []int
	m     map[string]int
}

func change(h holder) {
	h.arr[0], h.slice[0], h.m["k"] = 9, 9, 9
}

func main() {
	g := grid{{1, 2}, {3, 4}}
	h := g
	h[0][0] = 100
	fmt.Println(g, h)
	a := holder{[3]int{1, 2, 3}, []int{1, 2, 3}, map[string]int{"k": 1}}
	change(a)
	fmt.Println(a)
	for _, row := range g {
		row[0] = -1
	}
	fmt.Println(g)
	for i := range g {
		g[i][0] = -1
	}
	fmt.Println(g)
	var boxed any = g
	g[1][1] = 77
	fmt.Println(boxed.(grid)[1][1], g[1][1])
	arr := [3]int{1, 2, 3}
	for i, v := range arr {
		arr[2] = 10
		if i == 2 {
			fmt.Println("saw", v)
		}
	}
	s := arr[:]
	for i, v := range s {
		s[2] = 20
		if i == 2 {
			fmt.Println("saw", v)
		}
	}
}
