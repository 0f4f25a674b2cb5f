package main

import "fmt"

type matrix [2][3]int

func (m matrix) transpose() (t [3][2]int) {
	for i, row := range m {
		for j, v := range row {
			t[j][i] = v
		}
	}
	return
}

func main() {
	var zero [4]int
	primes := [...]int{2, 3, 5, 7, 11}
	sparse := [...]string{2: "two", 0: "zero"}
	fmt.Println(zero, len(primes), len(sparse), sparse)
	copied := primes
	copied[0] = 99
	fmt.Println(primes[0], copied[0], primes == copied)
	fmt.Println(matrix{{1, 2, 3}, {4, 5, 6}}.transpose())
	p := &primes
	p[1] = 30
	for i := range p {
		fmt.Print(p[i], " ")
	}
	s := primes[1:3:4]
	s = append(s, 100)
	fmt.Println(primes, s, cap(s), len(p))
	a := [2]*int{new(int), &primes[4]}
	*a[0] = 8
	fmt.Println(*a[0], *a[1])
}
