package main

import (
	"fmt"
	"iter"
)

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer fmt.Println("end of", n)
		for i := 0; i < n; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

func find() (r string) {
	defer func() { r += "!" }()
outer:
	for i := range count(5) {
		for j := range count(4) {
			switch {
			case j == 1 && i == 0:
				continue outer
			case i == 2:
				break outer
			case i*j == 2:
				return fmt.Sprint("found ", i, j)
			}
		}
	}
	return "none"
}

func pull() {
	next, stop := iter.Pull(count(3))
	defer stop()
	for {
		v, ok := next()
		if !ok {
			break
		}
		fmt.Print(v, " ")
	}
	fmt.Println()
}

func zip[A, B any](a iter.Seq[A], b iter.Seq[B]) iter.Seq2[A, B] {
	return func(yield func(A, B) bool) {
		nb, stop := iter.Pull(b)
		defer stop()
		for x := range a {
			y, ok := nb()
			if !ok || !yield(x, y) {
				return
			}
		}
	}
}

func deferInside() {
	for i := range count(3) {
		defer fmt.Println("deferred", i)
	}
	fmt.Println("body done")
}

func panics() (err any) {
	defer func() { err = recover() }()
	for i := range count(3) {
		if i == 1 {
			panic(fmt.Sprint("at ", i))
		}
	}
	return nil
}

func main() {
	fmt.Println(find())
	pull()
	for a, b := range zip(count(2), count(5)) {
		fmt.Println(a, b)
	}
	deferInside()
	fmt.Println(panics())
	for range count(2) {
		fmt.Println("x")
	}
	func() {
		for i := range count(10) {
			if i == 3 {
				return
			}
		}
	}()
	goto done
done:
	fmt.Println("done")
}
