package main

import (
	"context"
	"fmt"
	"sync"
)

type stage[A, B any] func(context.Context, <-chan A) <-chan B

func apply[A, B any](f func(A) B) stage[A, B] {
	return func(ctx context.Context, in <-chan A) <-chan B {
		out := make(chan B)
		go func() {
			defer close(out)
			for v := range in {
				select {
				case out <- f(v):
				case <-ctx.Done():
					return
				}
			}
		}()
		return out
	}
}

func source[T any](ctx context.Context, vs ...T) <-chan T {
	ch := make(chan T)
	go func() {
		defer close(ch)
		for _, v := range vs {
			select {
			case ch <- v:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ch
}

func fanIn[T any](chans ...<-chan T) <-chan T {
	out := make(chan T)
	var wg sync.WaitGroup
	for _, c := range chans {
		wg.Go(func() {
			for v := range c {
				out <- v
			}
		})
	}
	go func() { wg.Wait(); close(out) }()
	return out
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	double := apply(func(i int) int { return i * 2 })
	text := apply(func(i int) string { return fmt.Sprint("<", i, ">") })
	for s := range text(ctx, double(ctx, source(ctx, 1, 2, 3))) {
		fmt.Print(s, " ")
	}
	fmt.Println()
	sum := 0
	for v := range fanIn(source(ctx, 1, 2), source(ctx, 10, 20)) {
		sum += v
	}
	fmt.Println(sum)
	type userKey struct{}
	c2 := context.WithValue(ctx, userKey{}, "ann")
	fmt.Println(c2.Value(userKey{}), ctx.Value(userKey{}))
	cancel()
	<-ctx.Done()
	fmt.Println(ctx.Err(), context.Cause(c2))
}
