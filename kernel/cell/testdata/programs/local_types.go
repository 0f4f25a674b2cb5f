package main

import "fmt"

func one() any {
	type local struct{ a int }
	return local{1}
}

func two() any {
	type local struct {
		s string
		t []int
	}
	return local{"x", nil}
}

func generic[T any](v T) any {
	type box struct{ val T }
	return box{v}
}

func list() (s string) {
	type node struct {
		v    int
		next *node
	}
	var head *node
	for i := range 3 {
		head = &node{i, head}
	}
	for n := head; n != nil; n = n.next {
		s += fmt.Sprint(n.v)
	}
	return s
}

func stringers() (out []string) {
	type kind int
	const (
		a kind = iota
		b
	)
	names := map[kind]string{a: "A", b: "B"}
	for _, k := range []kind{b, a} {
		out = append(out, names[k])
	}
	return
}

func main() {
	fmt.Println(one(), two(), one() == one())
	fmt.Println(generic(1), generic("s"), generic(1) == generic(1))
	fmt.Println(list(), stringers())
	type pair struct{ x, y int }
	seen := map[pair]bool{{1, 2}: true}
	seen[pair{3, 4}] = true
	fmt.Println(len(seen), seen[pair{1, 2}], seen[pair{2, 1}])
	type alias = pair
	fmt.Println(alias{1, 2} == pair{1, 2})
	fmt.Printf("%+v\n", one())
}
