package main

import "fmt"

var trace []string

func t(name string, v int) int {
	trace = append(trace, name)
	return v
}

func pair() (int, int) { return t("p1", 1), t("p2", 2) }

type box struct{ a, b int }

func (b box) get(n int) int { return b.a + b.b + n }

func mk() box {
	trace = append(trace, "mk")
	return box{1, 2}
}

func main() {
	arr := make([]int, 3)
	arr[t("index", 1)] = t("value", 7)
	x, y := pair()
	fmt.Println(arr, x, y, trace)
	trace = nil
	fmt.Println(mk().get(t("arg", 3)), t("a", 1)+t("b", 2)*t("c", 3), trace)
	trace = nil
	_ = t("left", 0) == 1 && t("right", 1) == 1
	_ = t("or", 1) == 1 || t("never", 1) == 1
	fmt.Println(trace)
	trace = nil
	b := box{b: t("second", 2), a: t("first", 1)}
	m := map[int]int{t("k", 1): t("v", 2)}
	fmt.Println(b, m, trace)
	i := 1
	i, arr[i] = 0, 5
	fmt.Println(i, arr)
}
