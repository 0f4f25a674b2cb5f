package main

import "fmt"

func main() {
	var fs []func() int
	for i := 0; i < 3; i++ {
		fs = append(fs, func() int { i *= 10; return i })
	}
	for _, f := range fs {
		fmt.Print(f(), f(), " ")
	}
	fmt.Println()
	var ps []*int
	for i, j := 0, 10; i < j; i, j = i+1, j-2 {
		ps = append(ps, &i, &j)
		if i == 2 {
			i++
		}
	}
	for _, p := range ps {
		fmt.Print(*p, " ")
	}
	fmt.Println()
	done := make(chan int, 3)
	for v := range 3 {
		go func() { done <- v }()
	}
	sum := 0
	for range 3 {
		sum += <-done
	}
	fmt.Println(sum)
	m := map[string]func() string{}
	for k, v := range map[string]int{"a": 1, "b": 2} {
		m[k] = func() string { return fmt.Sprint(k, v) }
	}
	fmt.Println(m["a"](), m["b"]())
	var x int
	for x = range 4 {
		defer func() { fmt.Print("d", x, " ") }()
	}
	for i := range [...]string{2: "c", "d"} {
		defer fmt.Print("r", i, " ")
	}
	for i := uint8(250); i >= 250; i++ {
		fmt.Print(i, " ")
	}
	fmt.Println()
	for i := range uint8(3) {
		fmt.Printf("%T%v ", i, i)
	}
	const n = 2
	for i := range n {
		fmt.Printf("%T%v ", i, i)
	}
	fmt.Println()
	sl := []int{1, 2, 3}
	for i, v := range sl {
		sl = append(sl, v*10)
		sl[i] = 0
	}
	fmt.Println(sl)
	arr := [3]int{1, 2, 3}
	for i, v := range arr {
		arr[2] = 30
		fmt.Print(i, v, " ")
	}
	for i, v := range &arr {
		arr[2] = 60
		fmt.Print(i, v, " ")
	}
	fmt.Println()
}
