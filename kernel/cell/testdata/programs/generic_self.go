package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

type Ordered[T any] interface{ Less(T) bool }

type Age int

func (a Age) Less(b Age) bool { return a < b }

func minOf[T Ordered[T]](xs ...T) T {
	m := xs[0]
	for _, x := range xs[1:] {
		if x.Less(m) {
			m = x
		}
	}
	return m
}

type Node[K cmp.Ordered, V any] struct {
	key         K
	val         V
	left, right *Node[K, V]
}

type Tree[K cmp.Ordered, V any] struct {
	root *Node[K, V]
	n    int
}

func (t *Tree[K, V]) Put(k K, v V) {
	p := &t.root
	for *p != nil {
		switch c := cmp.Compare(k, (*p).key); {
		case c < 0:
			p = &(*p).left
		case c > 0:
			p = &(*p).right
		default:
			(*p).val = v
			return
		}
	}
	*p = &Node[K, V]{key: k, val: v}
	t.n++
}

func (t *Tree[K, V]) All() func(func(K, V) bool) {
	return func(yield func(K, V) bool) { t.root.walk(yield) }
}

func (n *Node[K, V]) walk(yield func(K, V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.key, n.val) && n.right.walk(yield)
}

type Number interface {
	~int | ~int64 | ~float64
}

func Sum[S ~[]E, E Number](s S) (t E) {
	for _, e := range s {
		t += e
	}
	return
}

type Celsius float64
type Temps []Celsius

func main() {
	fmt.Println(minOf(Age(3), Age(1), Age(2)))
	var t Tree[string, int]
	for i, w := range strings.Fields("the quick brown fox jumps over the lazy dog") {
		t.Put(w, i)
	}
	for k, v := range t.All() {
		if k == "quick" {
			break
		}
		fmt.Print(k, "=", v, " ")
	}
	fmt.Println(t.n)
	fmt.Println(Sum(Temps{1.5, 2.5}), Sum([]int{1, 2, 3}))
	xs := []Age{5, 2, 9}
	slices.SortFunc(xs, func(a, b Age) int { return cmp.Compare(a, b) })
	fmt.Println(xs)
}
