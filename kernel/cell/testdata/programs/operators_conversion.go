package main

import (
	"fmt"
	"math"
)

type Celsius float64
type Fahr float64
type Fn func(int) int
type IntSlice []int
type Point struct{ X, Y int }
type Vec struct{ X, Y int }

func (f Fn) Do(n int) int { return f(n) }

func side(s string, v bool) bool { fmt.Print(s, " "); return v }

func order() (r []int) {
	get := func(i int) int { r = append(r, i); return i }
	a := [5]int{}
	a[get(0)], a[get(1)] = get(2), get(3)
	_ = map[int]int{get(4): get(5)}
	_ = []int{get(6) + get(7)*get(8)}
	return
}

func main() {
	f := 3.99
	fmt.Println(int(f), int(-f), uint8(int(f)+254), int8(uint8(f)+197), uint32(1<<32-1), int64(math.MaxInt32)+1)
	fmt.Println(Celsius(Fahr(212)-32)*5/9, Fn(func(n int) int { return n + 1 }).Do(1), IntSlice([]int{1}), Vec(Point{1, 2}))
	var u8 uint8 = 255
	u8++
	var i8 int8 = 127
	i8++
	fmt.Println(u8, i8, -5/2, -5%2, 5%-2, -5>>1, uint8(1)<<7, 1<<u8)
	fmt.Println(7&3, 7|8, 7^2, 7&^5, ^7, !true, -+-3)
	fmt.Println(side("a", false) && side("b", true), side("c", true) || side("d", false))
	fmt.Println(order())
	x := 10
	x += 5
	x -= 3
	x *= 2
	x /= 5
	x %= 3
	x <<= 3
	x |= 3
	x &^= 1
	x ^= 0xf
	x >>= 1
	fmt.Println(x)
	p := &x
	*p++
	pp := &p
	**pp += 2
	fmt.Println(x, *p == **pp)
	var iface1, iface2 any = 1, 1.0
	fmt.Println(iface1 == iface2, iface1 == 1, iface2 == 1.0, any(Point{1, 2}) == any(Point{1, 2}), any(Point{1, 2}) == any(Vec{1, 2}))
	func() {
		defer func() { fmt.Println(recover()) }()
		fmt.Println(any([]int{1}) == any([]int{1}))
	}()
	fmt.Println(math.MaxInt64, uint64(math.MaxUint64), math.SmallestNonzeroFloat64, float32(0.1), 0.1+0.2, float32(16777217))
	fmt.Println(string(rune(65)), []byte("A")[0], 'A'+1, "A"[0] == 'A')
	sh := 70
	fmt.Println(1<<sh == 0, uint8(1)<<sh, -1>>sh)
	var s []int
	var m map[string]int
	fmt.Println(len(s), m["x"], len(m), s == nil)
	a, b := 1, 2
	a, b = b, a+b
	a, c := a*10, 5
	fmt.Println(a, b, c)
	type local struct {
		Point
		Z int
	}
	l := local{Point{1, 2}, 3}
	q := l
	q.X = 100
	fmt.Println(l, q, l == q, l != local{Point{1, 2}, 3})
	fmt.Printf("%T %T %T %v\n", 'a'*2, 2*1.5, len("x")*2, 3/2*2.0)
}
