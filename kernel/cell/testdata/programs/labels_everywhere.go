package main

import "fmt"

func primes(n int) (ps []int) {
next:
	for i := 2; i < n; i++ {
		for _, p := range ps {
			if i%p == 0 {
				continue next
			}
			if p*p > i {
				break
			}
		}
		ps = append(ps, i)
	}
	return
}

func main() {
	fmt.Println(primes(40))
	n := 0
outer:
	for {
		switch {
		case n > 5:
			break outer
		case n%2 == 0:
			n += 3
			continue outer
		default:
			n++
		}
	inner:
		for i := range 10 {
			if i == 2 {
				break inner
			}
			n += i
		}
	}
	fmt.Println(n)
	ch := make(chan int, 5)
	for i := range 5 {
		ch <- i
	}
	close(ch)
recv:
	for {
		select {
		case v, ok := <-ch:
			if !ok {
				break recv
			}
			if v == 2 {
				continue recv
			}
			fmt.Print(v, " ")
		}
	}
	fmt.Println()
sw:
	switch n {
	default:
		for {
			break sw
		}
	}
	x := []string{}
rows:
	for r, row := range []string{"abc", "dXf", "ghi"} {
		for c, ch := range row {
			if ch == 'X' {
				x = append(x, fmt.Sprint("X at ", r, c))
				continue rows
			}
		}
		x = append(x, row)
	}
	fmt.Println(x)
unused:
	for i := 0; i < 1; i++ {
		if i == 0 {
			continue unused
		}
	}
	fmt.Println("end")
}
