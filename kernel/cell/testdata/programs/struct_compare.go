package main

import "fmt"

type key struct {
	name string
	pos  [2]int
	any  interface{}
}

type tree struct {
	left, right *tree
	v           int
}

func same(a, b *tree) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.v == b.v && same(a.left, b.left) && same(a.right, b.right)
}

func compare(a, b any) (r string) {
	defer func() {
		if e := recover(); e != nil {
			r = fmt.Sprint("panic: ", e)
		}
	}()
	return fmt.Sprint(a == b)
}

func main() {
	m := map[key]int{}
	m[key{"a", [2]int{1, 2}, 3}]++
	m[key{"a", [2]int{1, 2}, 3}]++
	m[key{"a", [2]int{1, 2}, "3"}]++
	fmt.Println(len(m), m[key{"a", [2]int{1, 2}, 3}])
	x := &tree{&tree{v: 1}, nil, 2}
	y := &tree{&tree{v: 1}, nil, 2}
	fmt.Println(x == y, same(x, y), *x == *y, *x.left == *y.left)
	fmt.Println(compare(1, 1.0), compare("a", "a"), compare([]int{1}, []int{1}))
	var e1, e2 error
	fmt.Println(e1 == e2, interface{}(nil) == nil)
}
