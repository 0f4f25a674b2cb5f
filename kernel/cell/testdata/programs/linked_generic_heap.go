package main

import "fmt"

type ordered interface{ ~int | ~string | ~float64 }

type heapOf[T any] struct {
	less func(a, b T) bool
	data []T
}

func newHeap[T any](less func(a, b T) bool) *heapOf[T] { return &heapOf[T]{less: less} }

func (h *heapOf[T]) push(v T) {
	h.data = append(h.data, v)
	for i := len(h.data) - 1; i > 0; {
		p := (i - 1) / 2
		if !h.less(h.data[i], h.data[p]) {
			break
		}
		h.data[i], h.data[p] = h.data[p], h.data[i]
		i = p
	}
}

func (h *heapOf[T]) pop() (top T) {
	top = h.data[0]
	n := len(h.data) - 1
	h.data[0] = h.data[n]
	h.data = h.data[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			return
		}
		if c+1 < n && h.less(h.data[c+1], h.data[c]) {
			c++
		}
		if !h.less(h.data[c], h.data[i]) {
			return
		}
		h.data[i], h.data[c] = h.data[c], h.data[i]
		i = c
	}
}

func sorted[T ordered](xs ...T) (out []T) {
	h := newHeap(func(a, b T) bool { return a < b })
	for _, x := range xs {
		h.push(x)
	}
	for len(h.data) > 0 {
		out = append(out, h.pop())
	}
	return
}

func main() {
	fmt.Println(sorted(5, 2, 8, 1, 9, 3), sorted("b", "c", "a"), sorted(2.5, 1.5))
	byLen := newHeap(func(a, b string) bool { return len(a) < len(b) })
	for _, w := range []string{"ccc", "a", "bb"} {
		byLen.push(w)
	}
	fmt.Println(byLen.pop(), byLen.pop())
}
