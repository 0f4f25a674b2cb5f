package main

import (
	"fmt"
	"sync"
)

type queue[T any] struct {
	mu    sync.Mutex
	cond  *sync.Cond
	items []T
	limit int
}

func newQueue[T any](limit int) *queue[T] {
	q := &queue[T]{limit: limit}
	q.cond = sync.NewCond(&q.mu)
	return q
}

func (q *queue[T]) put(v T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == q.limit {
		q.cond.Wait()
	}
	q.items = append(q.items, v)
	q.cond.Broadcast()
}

func (q *queue[T]) get() T {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 {
		q.cond.Wait()
	}
	v := q.items[0]
	q.items = q.items[1:]
	q.cond.Broadcast()
	return v
}

func main() {
	q := newQueue[int](2)
	go func() {
		for i := range 10 {
			q.put(i)
		}
	}()
	sum := 0
	for range 10 {
		sum += q.get()
	}
	fmt.Println(sum)
	var m sync.Map
	m.Store("a", 1)
	v, loaded := m.LoadOrStore("a", 2)
	fmt.Println(v, loaded)
	p := sync.Pool{New: func() any { return new([8]byte) }}
	fmt.Println(len(p.Get().(*[8]byte)))
	f := sync.OnceValue(func() int { fmt.Println("computed"); return 5 })
	fmt.Println(f(), f())
}
