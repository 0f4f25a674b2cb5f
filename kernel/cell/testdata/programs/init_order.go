package main

import "fmt"

var (
	a = c + b
	b = f()
	c = 1
)

var total = func() int {
	t := 0
	for i := range table {
		table[i] = i * i
		t += table[i]
	}
	return t
}()

var table [4]int

var first, second = pair()

var _ = record("blank")

var log []string

func record(s string) int {
	log = append(log, s)
	return len(log)
}

func f() int {
	c++
	return c
}

func pair() (int, string) { return total, fmt.Sprint(a) }

func init() { record("init1") }

func init() { record(fmt.Sprint("init2 ", len(log))) }

func main() {
	fmt.Println(a, b, c)
	fmt.Println(total, table, first, second)
	fmt.Println(log)
}
