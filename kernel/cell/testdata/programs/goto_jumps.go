package main

import "fmt"

func f(n int) (out []int) {
	i := 0
loop:
	if i < n {
		j := i
		goto body
	body:
		if j%2 == 0 {
			i++
			goto loop
		}
		out = append(out, j)
		i++
		goto loop
	}
	return
}

func search(m [][]int, want int) (x, y int) {
	for y = range m {
		for x = range m[y] {
			if m[y][x] == want {
				goto found
			}
		}
	}
	return -1, -1
found:
	return x, y
}

func main() {
	fmt.Println(f(10))
	fmt.Println(search([][]int{{1, 2}, {3, 4}}, 3))
	n := 0
again:
	n++
	if n < 3 {
		goto again
	}
	fmt.Println(n)
	{
		goto end
	}
end:
	fmt.Println("end")
L:
	for i := 0; ; i++ {
		switch {
		case i == 1:
			continue L
		case i > 3:
			break L
		}
		select {
		default:
			if i == 2 {
				continue L
			}
		}
		fmt.Println("i", i)
	}
}
