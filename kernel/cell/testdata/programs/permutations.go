package main

import "fmt"

func permute(xs []int, emit func([]int)) {
	var rec func(int)
	rec = func(k int) {
		if k == len(xs) {
			emit(xs)
			return
		}
		for i := k; i < len(xs); i++ {
			xs[k], xs[i] = xs[i], xs[k]
			rec(k + 1)
			xs[k], xs[i] = xs[i], xs[k]
		}
	}
	rec(0)
}

func queens(n int) (count int) {
	cols, d1, d2 := map[int]bool{}, map[int]bool{}, map[int]bool{}
	var place func(row int)
	place = func(row int) {
		if row == n {
			count++
			return
		}
		for c := range n {
			if cols[c] || d1[row+c] || d2[row-c] {
				continue
			}
			cols[c], d1[row+c], d2[row-c] = true, true, true
			place(row + 1)
			cols[c], d1[row+c], d2[row-c] = false, false, false
		}
	}
	place(0)
	return
}

func hanoi(n int, from, to, via string, move func(string, string)) {
	if n > 0 {
		hanoi(n-1, from, via, to, move)
		move(from, to)
		hanoi(n-1, via, to, from, move)
	}
}

func main() {
	permute([]int{1, 2, 3}, func(p []int) { fmt.Print(p, " ") })
	fmt.Println()
	fmt.Println(queens(6), queens(8))
	moves := 0
	hanoi(5, "a", "b", "c", func(f, t string) { moves++ })
	fmt.Println(moves)
	memo := map[[2]int]int{}
	var paths func(x, y int) int
	paths = func(x, y int) int {
		if x == 0 || y == 0 {
			return 1
		}
		k := [2]int{x, y}
		if v, ok := memo[k]; ok {
			return v
		}
		memo[k] = paths(x-1, y) + paths(x, y-1)
		return memo[k]
	}
	fmt.Println(paths(8, 8), len(memo))
}
