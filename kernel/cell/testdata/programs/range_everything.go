package main

import (
	"fmt"
	"slices"
)

type ring struct{ vals []int }

func (r ring) all(yield func(int, int) bool) {
	for i, v := range r.vals {
		if !yield(i, v) {
			return
		}
	}
}

func (r *ring) backward() func(func(int) bool) {
	return func(yield func(int) bool) {
		for _, v := range slices.Backward(r.vals) {
			if !yield(v) {
				return
			}
		}
	}
}

func find(r ring, want int) (at int) {
	for i, v := range r.all {
		if v == want {
			return i
		}
	}
	return -1
}

func main() {
	r := ring{[]int{7, 8, 9}}
	for i, v := range r.all {
		fmt.Print(i, "=", v, " ")
	}
	for v := range r.backward() {
		fmt.Print(v, " ")
	}
	fmt.Println(find(r, 8), find(r, 1))
	for range 2 {
		fmt.Print("x")
	}
	for i := range uint8(3) {
		fmt.Printf(" %T%d", i, i)
	}
	fmt.Println()
	var p *[3]int
	for i := range p {
		fmt.Print(i)
	}
	for i, c := range []byte("ab") {
		fmt.Print(" ", i, c)
	}
	for i := range "日本" {
		fmt.Print(" ", i)
	}
	fmt.Println()
	m := map[int]bool{1: true}
	for k := range m {
		delete(m, k)
	}
	var i, sum int
	for i = range 5 {
		sum += i
	}
	var arr [2]struct{ n int }
	for i, arr[1].n = range []int{4, 5} {
	}
	fmt.Println(len(m), i, sum, arr)
outer:
	for a := range r.all {
		for b := range r.backward() {
			if b == 8 {
				continue outer
			}
			if a == 2 {
				break outer
			}
			fmt.Print(a, b, ";")
		}
	}
	fmt.Println()
}
