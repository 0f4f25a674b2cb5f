package main

import "fmt"

type acc struct {
	total float64
	hist  []float64
}

func (a *acc) add(v float64) *acc { a.total += v; a.hist = append(a.hist, v); return a }

var global = &acc{}

func next() func() int {
	a, b := 0, 1
	return func() int { a, b = b, a+b; return a }
}

func multi() (int, string, error) { return 1, "s", nil }

func named() (x, y int) { x, y = 3, 4; return }

func main() {
	var (
		a    = 1
		b, c = 2, "three"
		d    float32
		e    []int
	)
	f, g := next(), next()
	n, s, err := multi()
	n, t, err := multi()
	_, _, _ = s, t, err
	global.add(1).add(2)
	x, y := named()
	x, z := y, x
	fmt.Println(a, b, c, d, e == nil, n, x, y, z)
	for range 5 {
		f()
	}
	fmt.Println(f(), g(), global.total, global.hist)
	p := &a
	*p = 50
	q := &global.hist[0]
	*q += 100
	fmt.Println(a, global.hist)
	func() { a++; b := a; b++; c += fmt.Sprint(b) }()
	fmt.Println(a, b, c)
	arr := [2][2]int{}
	row := &arr[1]
	row[0] = 7
	sl := arr[:]
	sl[0][1] = 8
	fmt.Println(arr)
	var i interface{} = arr
	arr[0][0] = 9
	fmt.Println(i, arr)
	type point struct{ x, y int }
	pt := point{1, 2}
	pt2 := &pt
	pt2.x = 5
	var any1 any = pt
	pt.y = 6
	fmt.Println(pt, any1.(point).y, any1 == any(point{5, 2}))
	h := func() (r int) { defer func() { r *= 2 }(); return a }
	a = 4
	fmt.Println(h())
	var fn func(int) int
	fn = func(n int) int {
		if n == 0 {
			return 0
		}
		return n + fn(n-1)
	}
	fmt.Println(fn(10))
	if v, ok := any1.(fmt.Stringer); !ok {
		fmt.Println(v == nil)
	}
	e = append(e, 1)
	for i := range e {
		e[i] *= 3
	}
	fmt.Println(e)
	var w1, w2 = func() (int, int) { return 1, 2 }()
	fmt.Println(w1, w2)
	const k = 10
	var arr2 [k]int
	arr2[k-1] = k
	fmt.Println(arr2[9], len(arr2))
	_ = 5
	var _ = 6
	switch w := w1 + w2; w {
	case 3:
		fmt.Println("three")
	}
	a, b = b, a
	fmt.Println(a, b)
	ch := make(chan point, 1)
	ch <- point{y: 1}
	fmt.Println((<-ch).y)
	d += 1.5
	d /= 2
	fmt.Println(d)
}
