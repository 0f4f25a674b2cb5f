package main

import "fmt"

type Weekday uint

const (
	Sunday Weekday = iota
	Monday
	_
	Wednesday
)

const (
	a, b = iota, iota * 10
	c, d
	_, _
	e, f
)

const (
	KB = 1 << (10 * (iota + 1))
	MB
	GB
)

const (
	s1 = "x"
	s2
	n0 = len(s2) + iota
	n1
)

type Bits uint8

const (
	F0 Bits = 1 << iota
	F1
	F2
	mask = F0 | F2
)

func (d Weekday) String() string {
	return [...]string{Sunday: "Sun", Monday: "Mon", Wednesday: "Wed"}[d]
}

func main() {
	fmt.Println(Sunday, Monday, Wednesday, a, b, c, d, e, f)
	fmt.Println(KB, MB, GB, s2, n0, n1, mask, mask&^F0)
	const (
		x = iota + 5
		y
	)
	const big = 1 << 62
	const typed int8 = -1 << 7
	fmt.Println(x, y, big>>60, typed, uint32(1)<<31, 5.0 == 5, 'a'+1, "s"+"t")
	arr := [...]string{3: "three", 1: "one"}
	fmt.Printf("%q %d\n", arr, len(arr))
	var z [MB / KB]struct{}
	fmt.Println(len(z), fmt.Sprintf("%T %T %T", 'x', 1.0, 2i))
	const h = 0x1p-2
	fmt.Println(h, 0b1010, 0o17, 1_000_000, 0x_ff, 'ÿ', '\x41', "\u00e9", `raw\n`)
	{
		const iota = 7
		const q = iota
		fmt.Println(q)
	}
}
