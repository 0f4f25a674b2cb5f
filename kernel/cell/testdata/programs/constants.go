package main

import (
	"fmt"
	"math"
)

const (
	kb = 1 << (10 * (iota + 1))
	mb
)

type weekday int

const (
	sunday weekday = iota
	monday
	_
	wednesday
)

const big = 1 << 100

const (
	a, b = iota, iota * 10
	c, d
)

const typed float32 = 1.5

func (d weekday) String() string {
	if d == monday {
		return "Mon"
	}
	return fmt.Sprintf("day%d", int(d))
}

func main() {
	fmt.Println(kb, mb, sunday, monday, wednesday)
	fmt.Println(big>>98, float64(big), a, b, c, d)
	const local = len("const") * 2
	var arr [local]byte
	fmt.Println(len(arr), local)
	const x = 7 / 2.0
	const y = 7 / 2
	fmt.Println(x, y, math.MaxInt64, uint64(math.MaxUint64))
	var u8 uint8 = 255
	u8++
	fmt.Println(u8, ^0, -7/2, -7%3, 7&^5, 1<<3|1)
	const r = 'a' + 1
	fmt.Printf("%T %c %T\n", r, r, typed)
}
