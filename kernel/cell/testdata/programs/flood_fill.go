package main

import "fmt"

type pos struct{ x, y int }

var dirs = [...]pos{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}

func (p pos) plus(q pos) pos { return pos{p.x + q.x, p.y + q.y} }

func distances(grid []string) map[pos]int {
	dist := map[pos]int{{0, 0}: 0}
	for queue := []pos{{0, 0}}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		for _, d := range dirs {
			n := p.plus(d)
			if n.x < 0 || n.y < 0 || n.x >= len(grid[0]) || n.y >= len(grid) || grid[n.y][n.x] == '#' {
				continue
			}
			if _, seen := dist[n]; !seen {
				dist[n] = dist[p] + 1
				queue = append(queue, n)
			}
		}
	}
	return dist
}

func main() {
	grid := []string{
		"..#.",
		"....",
		"#...",
	}
	d := distances(grid)
	for y := range grid {
		for x := range grid[y] {
			if n, ok := d[pos{x, y}]; ok {
				fmt.Print(n, " ")
			} else {
				fmt.Print("# ")
			}
		}
		fmt.Println()
	}
}
