package main

import (
	"fmt"
	str "strings"
)

type int32 struct{ v string }
type error interface{ Oops() string }

func (i int32) Oops() string { return i.v }

func len(x string) string { return "len:" + x }

var true = "yes"

const nil = 0

func append(a, b int) int { return a*10 + b }

func main() {
	fmt.Println(len("x"), true, nil, append(1, 2))
	var e error = int32{"no"}
	fmt.Println(e.Oops())
	string := func(i int) float64 { return float64(i) / 4 }
	fmt.Println(string(3))
	x := 1
	{
		x := x + 1
		x++
		fmt.Println(x)
	}
	if x := x * 10; x > 5 {
		fmt.Println(x)
	} else if y := x; y > 0 {
		fmt.Println(y)
	}
	fmt.Println(x)
	str := str.ToUpper("abc")
	fmt.Println(str)
	fmt := func(s string2) string2 { return s + "!" }
	println := fmt("z")
	_ = println
	main := 3
	_ = main
}

type string2 = string
