package main

import "fmt"

func classify(n int) string {
	switch {
	case n < 0:
		return "negative"
	case n == 0:
		return "zero"
	case n%2 == 0:
		fallthrough
	case n > 100:
		return "even or large"
	}
	return "odd"
}

func main() {
	n := 0
	for n < 3 {
		n++
	}
	for {
		n++
		if n > 5 {
			break
		}
	}
	fmt.Println(n)
outer:
	for i := range 4 {
		for j := range 4 {
			switch {
			case j == 2:
				continue outer
			case i == 3:
				break outer
			}
			fmt.Print(i, j, " ")
		}
	}
	fmt.Println()
	for _, v := range []int{-1, 0, 3, 4, 201} {
		fmt.Print(classify(v), "; ")
	}
	switch x := n * 2; x {
	case 1, 2, 3:
		fmt.Println("small")
	case 12:
		fmt.Println("twelve")
	default:
		fmt.Println("default")
	}
	if v := n - 1; v > 10 {
		fmt.Println("big")
	} else if w := v * 2; w == 10 {
		fmt.Println("ten", v, w)
	} else {
		fmt.Println(v, w)
	}
	switch f := 3.0; {
	case f > 2:
		fmt.Println("float")
	}
}
