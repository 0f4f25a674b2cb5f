package main

import "fmt"

func search(grid [][]int, want int) (x, y int) {
	for y = range grid {
		for x = range grid[y] {
			if grid[y][x] == want {
				goto found
			}
		}
	}
	return -1, -1
found:
	return x, y
}

func sel() string {
	ch := make(chan int, 1)
	ch <- 1
loop:
	for {
		select {
		case <-ch:
			break loop
		}
	}
	return "left"
}

func main() {
	fmt.Println(search([][]int{{1, 2}, {3, 4}}, 3))
	fmt.Println(search(nil, 3))
	fmt.Println(sel())
	i := 0
start:
	if i < 3 {
		fmt.Print(i, " ")
		i++
		goto start
	}
	fmt.Println("end")
}
