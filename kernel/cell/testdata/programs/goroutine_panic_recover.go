package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

type result[T any] struct {
	val T
	err error
}

func safely[T any](f func() T) (r result[T]) {
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("caught: %v", p)
		}
	}()
	r.val = f()
	return
}

func async[T any](f func() T) <-chan result[T] {
	ch := make(chan result[T], 1)
	go func() { ch <- safely(f) }()
	return ch
}

func three(a, b, c int, done chan<- int) { done <- a + b + c }

type obj struct{ n int }

func (o *obj) run(k int, wg *sync.WaitGroup) { defer wg.Done(); o.n += k }

func main() {
	a := async(func() int { return 5 })
	b := async(func() string { panic("bad") })
	fmt.Println(<-a, (<-b).err)
	done := make(chan int)
	go three(1, 2, 3, done)
	fmt.Println(<-done)
	var wg sync.WaitGroup
	o := &obj{}
	wg.Add(2)
	go o.run(2, &wg)
	wg.Done()
	wg.Wait()
	fmt.Println(o.n)
	f := func(xs ...int) { done <- len(xs) }
	go f([]int{1, 2, 3}...)
	fmt.Println(<-done)
	go func(n int) { done <- n * n }(9)
	fmt.Println(<-done)
	x := 1
	go func(v int) { time.Sleep(time.Millisecond); done <- v }(x)
	x = 2
	fmt.Println(<-done, x)
	var once sync.Once
	func() {
		defer func() { fmt.Println("once:", recover()) }()
		once.Do(func() { panic("in once") })
	}()
	go runtime.Gosched()
	stack := make([]byte, 1000)
	fmt.Println(strings.Contains(string(stack[:runtime.Stack(stack, false)]), "goroutine"))
	exited := make(chan bool)
	go func() {
		defer close(exited)
		defer fmt.Println("goexit runs deferred")
		runtime.Goexit()
	}()
	<-exited
	var mu sync.Mutex
	fmt.Println(mu.TryLock(), mu.TryLock())
	mu.Unlock()
	total := 0
	results := make(chan int)
	for i := 1; i <= 3; i++ {
		go func() {
			defer func() { results <- i }()
			defer func() { recover() }()
			panic(i)
		}()
	}
	for range 3 {
		total += <-results
	}
	fmt.Println(total)
	go print()
	select {
	case <-time.After(2 * time.Millisecond):
	}
	fmt.Println("end")
}
