package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

type Counter struct {
	sync.RWMutex
	m map[string]int
}

func (c *Counter) Inc(k string) {
	c.Lock()
	defer c.Unlock()
	c.m[k]++
}

func (c *Counter) Get(k string) int {
	c.RLock()
	defer c.RUnlock()
	return c.m[k]
}

type key struct{}

func worker(ctx context.Context, id int, jobs <-chan int, out chan<- string) {
	for {
		select {
		case j, ok := <-jobs:
			if !ok {
				return
			}
			out <- fmt.Sprint(id*0, ":", j*j)
		case <-ctx.Done():
			return
		}
	}
}

func main() {
	c := Counter{m: map[string]int{}}
	var wg sync.WaitGroup
	var n atomic.Int64
	for i := 0; i < 50; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c.Inc([]string{"a", "b"}[i%2])
			n.Add(int64(i))
		}()
	}
	wg.Wait()
	fmt.Println(c.Get("a"), c.Get("b"), n.Load())
	jobs, out := make(chan int), make(chan string, 10)
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), key{}, "v"), 10*time.Second)
	defer cancel()
	for id := range 3 {
		wg.Add(1)
		go func() { defer wg.Done(); worker(ctx, id, jobs, out) }()
	}
	for i := range 4 {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	close(out)
	seen := map[string]bool{}
	for s := range out {
		seen[s] = true
	}
	fmt.Println(len(seen), seen["0:9"], ctx.Value(key{}))
	cond := sync.NewCond(&sync.Mutex{})
	ready := false
	go func() { cond.L.Lock(); ready = true; cond.L.Unlock(); cond.Broadcast() }()
	cond.L.Lock()
	for !ready {
		cond.Wait()
	}
	cond.L.Unlock()
	ctx2, cancel2 := context.WithCancelCause(context.Background())
	cancel2(errors.New("because"))
	<-ctx2.Done()
	fmt.Println(ctx2.Err(), context.Cause(ctx2))
	stop := context.AfterFunc(ctx2, func() {})
	fmt.Println(stop())
	var m sync.Map
	m.Store("k", 1)
	v, loaded := m.LoadOrStore("k", 2)
	fmt.Println(v, loaded)
	get := sync.OnceValue(func() int { fmt.Println("computing"); return 42 })
	fmt.Println(get(), get())
	var p atomic.Pointer[Counter]
	fmt.Println(p.Load() == nil, p.CompareAndSwap(nil, &c), p.Load() == &c)
	ch := make(chan struct{})
	timer := time.AfterFunc(time.Millisecond, func() { close(ch) })
	<-ch
	fmt.Println(timer.Stop())
	pool := sync.Pool{New: func() any { return new([]byte) }}
	b := pool.Get().(*[]byte)
	pool.Put(b)
	fmt.Println(len(*b))
}
