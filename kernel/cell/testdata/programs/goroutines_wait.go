package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

type result struct{ id, sq int }

func worker(id int, jobs <-chan int, results chan<- result, wg *sync.WaitGroup) {
	defer wg.Done()
	for j := range jobs {
		results <- result{j, j * j}
	}
	_ = id
}

func main() {
	jobs, results := make(chan int), make(chan result, 10)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Add(1)
		go worker(i, jobs, results, &wg)
	}
	for i := range 10 {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	close(results)
	sum := 0
	for r := range results {
		sum += r.sq
	}
	fmt.Println(sum)
	var n atomic.Int64
	var mu sync.RWMutex
	seen := map[int]bool{}
	var wg2 sync.WaitGroup
	for i := range 50 {
		wg2.Go(func() {
			n.Add(int64(i))
			mu.Lock()
			seen[i] = true
			mu.Unlock()
		})
	}
	wg2.Wait()
	fmt.Println(n.Load(), len(seen))
	var once sync.Once
	for range 3 {
		once.Do(func() { fmt.Println("once") })
	}
}
