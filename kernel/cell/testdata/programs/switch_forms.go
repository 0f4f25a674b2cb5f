package main

import "fmt"

type Shape interface{ Area() float64 }
type Sq float64
type Ci struct{ r float64 }

func (s Sq) Area() float64  { return float64(s * s) }
func (c *Ci) Area() float64 { return c.r * c.r * 3 }

func kind(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case int, int64:
		return fmt.Sprintf("int-ish %v", x)
	case func() int:
		return fmt.Sprint("func ", x())
	case []byte:
		return "bytes " + string(x)
	case error:
		return "error " + x.Error()
	case Shape:
		switch y := x.(type) {
		case Sq:
			return fmt.Sprint("square ", float64(y))
		case *Ci:
			return fmt.Sprint("circle ", y.r)
		}
		return "shape"
	case interface{ Len() int }:
		return fmt.Sprint("len ", x.Len())
	case map[string]int, *int, chan bool:
		return fmt.Sprintf("%T", x)
	default:
		return fmt.Sprintf("other %T", x)
	}
}

type L []int

func (l L) Len() int { return len(l) }

func sw(n int) (s string) {
	switch n := n * 2; {
	case n < 4:
		s += "small "
		fallthrough
	case n == 100:
		s += "fell "
	case n > 10:
		if n > 20 {
			break
		}
		s += "big "
	default:
		s += "default "
	}
	switch {
	}
	switch x := n; x {
	case 1, 2, 3:
		s += "123"
	case f("a"), f("b"):
	}
	return
}

func f(s string) int { fmt.Print("<", s, ">"); return 50 }

func main() {
	n := 1
	for _, v := range []any{nil, 1, int64(2), func() int { return 3 }, []byte("x"), fmt.Errorf("e"), Sq(2), &Ci{1}, L{1, 2}, map[string]int{}, &n, 1.5, struct{}{}} {
		fmt.Println(kind(v))
	}
	for _, i := range []int{1, 6, 11, 50} {
		fmt.Println(sw(i))
	}
	switch x := any(n).(type) {
	case int:
		x++
		fmt.Println(x, n)
	}
	switch any(3).(type) {
	default:
		fmt.Println("default first")
	case string:
	}
	switch func() bool { return true }() {
	case false:
		fmt.Println("no")
	case true:
		fmt.Println("yes")
	}
}
