package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func merge(a, b <-chan int) (out []int) {
	for a != nil || b != nil {
		select {
		case v, ok := <-a:
			if !ok {
				a = nil
				continue
			}
			out = append(out, v)
		case v, ok := <-b:
			if !ok {
				b = nil
				continue
			}
			out = append(out, v)
		}
	}
	return out
}

func feed(vs ...int) chan int {
	ch := make(chan int, len(vs))
	for _, v := range vs {
		ch <- v
	}
	close(ch)
	return ch
}

func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Minute):
		return nil
	}
}

func main() {
	sum := 0
	for _, v := range merge(feed(1, 2, 3), feed(10, 20)) {
		sum += v
	}
	fmt.Println(sum)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("stop it"))
	fmt.Println(wait(ctx))
	ticker := time.NewTicker(time.Millisecond)
	n := 0
loop:
	for {
		select {
		case <-ticker.C:
			if n++; n == 3 {
				break loop
			}
		case <-ctx.Done():
			if n > 5 {
				break loop
			}
		}
	}
	ticker.Stop()
	fmt.Println("ticked", n > 0)
}
