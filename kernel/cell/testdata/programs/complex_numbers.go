package main

import (
	"fmt"
	"math"
	"math/cmplx"
)

const i = 1i
const big = 1 << 100

type Z complex64

func (z Z) Conj() Z { return Z(complex(real(z), -imag(z))) }

func mandel(c complex128) int {
	z := 0i
	for n := 0; n < 50; n++ {
		if z = z*z + c; cmplx.Abs(z) > 2 {
			return n
		}
	}
	return 50
}

func main() {
	a := 3 + 4i
	fmt.Println(real(a), imag(a), cmplx.Abs(a), a*i, a/(1-1i), a == complex(3, 4))
	var z Z = 1 + 2i
	fmt.Println(z.Conj(), z*z.Conj())
	fmt.Printf("%.2f %v %T %T\n", cmplx.Exp(i*math.Pi), -a, a, z)
	for y := -1.0; y <= 1; y += 0.5 {
		for x := -2.0; x <= 0.5; x += 0.25 {
			fmt.Print(string(" .:-=+*#%@"[mandel(complex(x, y))/6]))
		}
		fmt.Println()
	}
	fmt.Println(big>>98, 'a'*1.0, 1/3.0, 7/2, 7/2., -7/2, -7%3, 1<<3|1, 6&^2)
	inf := math.Inf(1)
	fmt.Println(cmplx.IsInf(complex(inf, 0)), math.NaN() == math.NaN(), complex(math.NaN(), 0) != complex(math.NaN(), 0))
	m := map[complex128]string{1i: "i", 1: "one"}
	fmt.Println(m[i], m[1+0i], len(m))
	const huge = 1e1000
	fmt.Println(huge/1e999, math.MaxUint64-uint64(1), ^uint8(3), int8(-128)/int8(-1+0*len(m)))
}
