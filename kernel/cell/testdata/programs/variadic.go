package main

import "fmt"

func sum(label string, ns ...int) string {
	t := 0
	for _, n := range ns {
		t += n
	}
	return fmt.Sprint(label, " ", t, " of ", len(ns))
}

func wrap(args ...any) string { return fmt.Sprintln(append([]any{"wrapped"}, args...)...) }

func multi() (int, string, error) { return 1, "two", nil }

func take(a int, b string, c error) string { return fmt.Sprint(a, b, c) }

func named(a, b int) (q, r int) {
	q = a / b
	r = a % b
	return
}

func swap[A, B any](a A, b B) (B, A) { return b, a }

func apply(f func(...int) int, xs ...int) int { return f(xs...) }

func main() {
	fmt.Println(sum("none"), sum("one", 1), sum("more", 1, 2, 3), sum("slice", []int{4, 5}...))
	fmt.Print(wrap(1, "a", nil))
	fmt.Println(take(multi()))
	fmt.Println(named(17, 5))
	q, _ := named(9, 2)
	fmt.Println(q)
	fmt.Println(swap(1, "x"))
	fmt.Println(apply(func(xs ...int) int { return len(xs) }, 1, 2, 3))
	a, b := 1, 2
	a, b = b, a
	i := 0
	arr := []int{10, 20, 30}
	i, arr[i] = 2, 99
	fmt.Println(a, b, i, arr)
}
