package engine

import (
	"runtime"
	"sync"
)

// grain is the least work, in simple operations on a number, that is worth waking
// another thread for.
const grain = 32 * 1024

// parallel calls f for pieces that cover 0 to n, concurrently if n items of the given cost
// are worth it. The pieces depend on GOMAXPROCS, so f must not sum across them; use
// chunks for that.
func parallel(n, cost int, f func(from, to int)) {
	threads := min(runtime.GOMAXPROCS(0), n, n*cost/grain)
	if threads < 2 {
		f(0, n)
		return
	}
	var wait sync.WaitGroup
	for t := range threads - 1 {
		wait.Go(func() { f(t*n/threads, (t+1)*n/threads) })
	}
	f((threads-1)*n/threads, n)
	wait.Wait()
}

// maxChunks is the maximum number of parts of a sum over a batch. It must not depend on
// the machine, because the partial sums are added in order of the parts.
const maxChunks = 8

// chunks cuts 0 to n into min(n, maxChunks) parts and calls f for each, with its
// number, on several threads.
func chunks(n int, f func(chunk, from, to int)) (count int) {
	count = min(n, maxChunks)
	threads := min(runtime.GOMAXPROCS(0), count)
	if threads < 2 {
		for c := range count {
			f(c, c*n/count, (c+1)*n/count)
		}
		return count
	}
	var wait sync.WaitGroup
	for t := range threads {
		wait.Go(func() {
			for c := t; c < count; c += threads {
				f(c, c*n/count, (c+1)*n/count)
			}
		})
	}
	wait.Wait()
	return count
}

// grown resizes *buf to n elements, whose contents are undefined, and returns
// it.
func grown[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	*buf = (*buf)[:n]
	return *buf
}
