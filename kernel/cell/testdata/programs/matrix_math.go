package main

import "fmt"

type mat [][]float64

func newMat(r, c int, f func(i, j int) float64) mat {
	m := make(mat, r)
	for i := range m {
		m[i] = make([]float64, c)
		for j := range m[i] {
			m[i][j] = f(i, j)
		}
	}
	return m
}

func (a mat) mul(b mat) mat {
	return newMat(len(a), len(b[0]), func(i, j int) (s float64) {
		for k := range b {
			s += a[i][k] * b[k][j]
		}
		return
	})
}

func (a mat) pow(n int) mat {
	r := newMat(len(a), len(a), func(i, j int) float64 {
		if i == j {
			return 1
		}
		return 0
	})
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			r = r.mul(a)
		}
		a = a.mul(a)
	}
	return r
}

func main() {
	fib := mat{{1, 1}, {1, 0}}
	fmt.Println(fib.pow(30)[0][1])
	a := newMat(2, 3, func(i, j int) float64 { return float64(i*3 + j) })
	b := newMat(3, 2, func(i, j int) float64 { return float64(i - j) })
	fmt.Println(a, b, a.mul(b))
}
