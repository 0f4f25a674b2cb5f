package main

import "fmt"

func spiral(n int) [][]int {
	m := make([][]int, n)
	for i := range m {
		m[i] = make([]int, n)
	}
	x, y, dx, dy := 0, 0, 1, 0
	for k := 1; k <= n*n; k++ {
		m[y][x] = k
		if nx, ny := x+dx, y+dy; nx < 0 || ny < 0 || nx >= n || ny >= n || m[ny][nx] != 0 {
			dx, dy = -dy, dx
		}
		x, y = x+dx, y+dy
	}
	return m
}

func life(grid [5][5]bool) (next [5][5]bool) {
	for y := range grid {
		for x := range grid[y] {
			n := 0
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					if (dx != 0 || dy != 0) && grid[(y+dy+5)%5][(x+dx+5)%5] {
						n++
					}
				}
			}
			next[y][x] = n == 3 || n == 2 && grid[y][x]
		}
	}
	return
}

func main() {
	for _, row := range spiral(4) {
		for _, v := range row {
			fmt.Printf("%3d", v)
		}
		fmt.Println()
	}
	var g [5][5]bool
	g[2][1], g[2][2], g[2][3] = true, true, true
	for range 3 {
		g = life(g)
	}
	for _, row := range g {
		for _, c := range row {
			if c {
				fmt.Print("#")
			} else {
				fmt.Print(".")
			}
		}
		fmt.Println()
	}
}
