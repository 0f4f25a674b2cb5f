package main

import "fmt"

type stack[T any] struct{ items []T }

func (s *stack[T]) push(v T) { s.items = append(s.items, v) }
func (s *stack[T]) pop() (v T, ok bool) {
	if len(s.items) == 0 {
		return
	}
	v = s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return v, true
}

type pair[K comparable, V any] struct {
	key K
	val V
}

func (p pair[K, V]) String() string { return fmt.Sprintf("%v->%v", p.key, p.val) }

type set[T comparable] map[T]struct{}

func (s set[T]) add(vs ...T) set[T] {
	for _, v := range vs {
		s[v] = struct{}{}
	}
	return s
}

func (s set[T]) has(v T) bool { _, ok := s[v]; return ok }

type tree[T interface{ less(T) bool }] struct {
	left, right *tree[T]
	val         T
}

func (t *tree[T]) insert(v T) *tree[T] {
	switch {
	case t == nil:
		return &tree[T]{val: v}
	case v.less(t.val):
		t.left = t.left.insert(v)
	default:
		t.right = t.right.insert(v)
	}
	return t
}

func (t *tree[T]) walk(f func(T)) {
	if t != nil {
		t.left.walk(f)
		f(t.val)
		t.right.walk(f)
	}
}

type num int

func (a num) less(b num) bool { return a < b }

type alias[T any] = map[string]T

func main() {
	var s stack[string]
	s.push("a")
	s.push("b")
	v, _ := s.pop()
	fmt.Println(v, len(s.items))
	fmt.Println(pair[string, int]{"k", 1}, []pair[int, bool]{{1, true}}, set[int]{}.add(1, 2).has(2))
	var t *tree[num]
	for _, n := range []num{5, 2, 8, 1} {
		t = t.insert(n)
	}
	t.walk(func(n num) { fmt.Print(n, " ") })
	a := alias[int]{"x": 1}
	fmt.Printf("%v %T %T\n", a, s, pair[string, []int]{})
}
