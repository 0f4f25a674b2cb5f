package main

import "fmt"

type bitset []uint64

func (b *bitset) set(i uint) {
	w := i / 64
	for uint(len(*b)) <= w {
		*b = append(*b, 0)
	}
	(*b)[w] |= 1 << (i % 64)
}

func (b bitset) has(i uint) bool {
	return i/64 < uint(len(b)) && b[i/64]>>(i%64)&1 == 1
}

func sieve(n uint) (out []uint) {
	var composite bitset
	for i := uint(2); i < n; i++ {
		if composite.has(i) {
			continue
		}
		out = append(out, i)
		for j := i * i; j < n; j += i {
			composite.set(j)
		}
	}
	return
}

func main() {
	fmt.Println(sieve(60))
	var s uint = 33
	var i32 int32 = 1
	fmt.Println(1<<s, i32<<s, uint8(1)<<7>>7, int8(-128)>>3)
	var f float64 = 1 << 3
	var w int64 = 1 << s
	n := -1
	fmt.Println(f, w, uint8(n), uint32(n)>>28, n>>1)
}
