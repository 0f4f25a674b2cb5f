package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

func gen(ctx context.Context) <-chan int {
	ch := make(chan int)
	go func() {
		defer close(ch)
		for i := 0; ; i++ {
			select {
			case ch <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ch
}

func merge[T any](cs ...<-chan T) <-chan T {
	out := make(chan T)
	var wg sync.WaitGroup
	for _, c := range cs {
		wg.Go(func() {
			for v := range c {
				out <- v
			}
		})
	}
	go func() { wg.Wait(); close(out) }()
	return out
}

func produce(n ...int) <-chan int {
	c := make(chan int, len(n))
	for _, v := range n {
		c <- v
	}
	close(c)
	return c
}

func idx(c []chan int, i int) chan int { fmt.Print("idx", i, " "); return c[i] }
func val(v int) int                    { fmt.Print("val", v, " "); return v }

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	for v := range gen(ctx) {
		if v == 3 {
			cancel()
			break
		}
		fmt.Print(v, " ")
	}
	fmt.Println(context.Cause(ctx))
	sum := 0
	for v := range merge(produce(1, 2), produce(3), produce()) {
		sum += v
	}
	fmt.Println(sum)
	cs := []chan int{make(chan int, 1), nil}
	select {
	case idx(cs, 0) <- val(7):
		fmt.Println("sent")
	case idx(cs, 1) <- val(8):
		fmt.Println("never")
	}
	var got [2]int
	var ok bool
	select {
	case got[1], ok = <-cs[0]:
	default:
		fmt.Println("default")
	}
	fmt.Println(got, ok, len(cs[0]), cap(cs[0]))
	var nilch chan int
	select {
	case <-nilch:
	case <-time.After(time.Millisecond):
		fmt.Println("timeout")
	}
	sem := make(chan struct{}, 2)
	var mu sync.Mutex
	most, now := 0, 0
	var wg sync.WaitGroup
	for range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			sem <- struct{}{}
			defer func() { <-sem }()
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
		}()
	}
	wg.Wait()
	fmt.Println(most <= 2)
	cc := make(chan chan string, 1)
	go func() { (<-cc) <- "reply" }()
	reply := make(chan string)
	cc <- reply
	fmt.Println(<-reply)
	x, more := <-produce()
	fmt.Println(x, more)
	func() {
		defer func() { fmt.Println(recover()) }()
		c := make(chan int)
		close(c)
		close(c)
	}()
	var once sync.Once
	for range 3 {
		once.Do(func() { fmt.Println("once") })
	}
	var recvOnly <-chan int = produce(5)
	fmt.Println(<-recvOnly + <-produce(6))
	t := time.NewTicker(time.Millisecond)
	for i := range 2 {
		<-t.C
		fmt.Print("tick", i, " ")
	}
	t.Stop()
	fmt.Println()
}
