package main

import (
	"errors"
	"fmt"
)

type opaque struct{}

func kind(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case int, int64:
		return fmt.Sprintf("integer %v", x)
	case string:
		return "string " + x
	case []int:
		return fmt.Sprint("slice of ", len(x))
	case error:
		return "error " + x.Error()
	case func() int:
		return fmt.Sprint("func returns ", x())
	case *int:
		return fmt.Sprint("pointer to ", *x)
	case fmt.Stringer:
		return "stringer"
	case chan int:
		return "channel"
	default:
		return fmt.Sprintf("other %T", x)
	}
}

func main() {
	n := 5
	for _, v := range []any{nil, 1, int64(2), "s", []int{1, 2}, errors.New("bad"), func() int { return 9 }, &n, make(chan int), opaque{}, 2.5} {
		fmt.Println(kind(v))
	}
	var e error
	switch e.(type) {
	case nil:
		fmt.Println("nil error")
	}
	switch y := any(n).(type) {
	case int:
		y++
		fmt.Println(y, n)
	}
}
