package main

import "fmt"

type ID int64

func sums(n int, xs []int) (a, b, c int) {
	for i := 0; i < n; i++ {
		a += i
	}
	for i := 1; i < len(xs); i++ {
		if xs[i]%3 == 0 {
			continue
		}
		b += xs[i] - xs[i-1]
	}
	for i := ID(5); i < 200_000; i++ {
		c += int(i & 7)
	}
	return
}

func early(n int) int {
	for i := 0; i < n; i++ {
		if i*i > 5_000_000_000 {
			return i
		}
	}
	return -1
}

func nested(n int) (t uint32) {
	for i := uint32(0); i < 300; i++ {
		for j := uint32(0); j < 300; j++ {
			t = t*31 + i ^ j
		}
		for k := uint32(0); k < uint32(n); k++ {
			t += k
		}
	}
	return
}

const limit = 1 << 17

func main() {
	xs := make([]int, 150_000)
	for i := 0; i < len(xs); i++ {
		xs[i] = i * 7 % 1000
	}
	fmt.Println(sums(131_073, xs))
	fmt.Println(sums(0, nil))
	fmt.Println(sums(-5, xs[:1]))
	fmt.Println(early(100_000), early(10), nested(70_000))
	n := 0
	for i := 0; i < limit; i++ {
		n++
	}
	for i := 65_535; i < 65_537; i++ {
		n += i
	}
	fmt.Println(n)
	m := map[int]int{}
	for i := 0; i < 1e5; i++ {
		m[i%10] += i
	}
	fmt.Println(m)
	var grid [3][4]int
	for i := 0; i < 3; i++ {
		for j := 0; j < 4; j++ {
			grid[i][j] = i*10 + j
		}
	}
	fmt.Println(grid)
	total := 0
	for i := 0; i < 70_000; i++ {
		switch {
		case i%2 == 0:
			continue
		case i%3 == 0:
			total--
		default:
			total += i
		}
	}
	fmt.Println(total)
	bound := 10
	for i := 0; i < bound; i++ {
		if i == 5 {
			bound = 8
		}
		total += i
	}
	fmt.Println(total)
outer:
	for i := 0; i < 100_000; i++ {
		for j := 0; j < 3; j++ {
			if i*j > 70_000 {
				total = i
				break outer
			}
		}
	}
	fmt.Println(total)
}
