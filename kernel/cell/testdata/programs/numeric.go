package main

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/cmplx"
)

func gcd(a, b uint) uint {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func main() {
	var i8 int8 = 127
	i8++
	var u16 uint16
	u16--
	fmt.Println(i8, u16, uint32(1)<<31)
	f := 0.1
	fmt.Println(f+0.2 == 0.3, float32(f), math.Round(f*100)/100)
	fmt.Println(7/2, -7/2, 7%3, -7%3, 7.0/2)
	c := complex(3, 4)
	fmt.Println(real(c), imag(c), cmplx.Abs(c), c*c, c == 3+4i)
	fmt.Println(0x1F, 0b101, 0o17, 1_000_000, 1e3, 0x1p4, 'x')
	fmt.Println(math.Inf(1), -math.Inf(1), math.NaN() == math.NaN(), math.MaxInt8)
	fmt.Println(gcd(48, 36), bits.OnesCount(255), bits.Len(1024))
	n := new(big.Int).Exp(big.NewInt(2), big.NewInt(100), nil)
	fmt.Println(n, n.BitLen())
	fmt.Printf("%5.2f|%-6d|%06d|%x|%o|%b|%e|%t\n", math.Pi, 42, 42, 255, 8, 5, 12345.678, true)
	x := 10
	x += 5
	x -= 3
	x *= 2
	x /= 5
	x %= 3
	x <<= 4
	x |= 1
	x ^= 3
	x &= 0xFE
	x &^= 2
	fmt.Println(x, ^x, x&1 == 0 && !(x > 100) || x == 7)
	fmt.Println(min(3, 1, 2), max(2.5, 1), min("b", "a"))
}
