package main

import (
	"fmt"
	"time"
)

func gen(n int) <-chan int {
	ch := make(chan int)
	go func() {
		defer close(ch)
		for i := range n {
			ch <- i
		}
	}()
	return ch
}

func square(in <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		for v := range in {
			out <- v * v
		}
		close(out)
	}()
	return out
}

func main() {
	for v := range square(gen(5)) {
		fmt.Print(v, " ")
	}
	ch := make(chan string, 2)
	ch <- "a"
	ch <- "b"
	fmt.Println(len(ch), cap(ch), <-ch, <-ch)
	close(ch)
	v, ok := <-ch
	fmt.Printf("%q %v\n", v, ok)
	select {
	case x, open := <-gen(0):
		fmt.Println("zero", x, open)
	case <-time.After(time.Minute):
		fmt.Println("late")
	}
	var nilch chan int
	select {
	case nilch <- 1:
	case <-nilch:
	default:
		fmt.Println("default")
	}
	chans := make(chan chan int, 1)
	reply := make(chan int, 1)
	chans <- reply
	(<-chans) <- 42
	fmt.Println(<-reply)
	sem := make(chan bool, 1)
	sem <- true
	select {
	case sem <- true:
		fmt.Println("no")
	default:
		fmt.Println("full")
	}
}
