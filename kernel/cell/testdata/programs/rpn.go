package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var ops = map[string]func(a, b float64) (float64, error){
	"+": func(a, b float64) (float64, error) { return a + b, nil },
	"-": func(a, b float64) (float64, error) { return a - b, nil },
	"*": func(a, b float64) (float64, error) { return a * b, nil },
	"/": func(a, b float64) (float64, error) {
		if b == 0 {
			return 0, errZero
		}
		return a / b, nil
	},
}

var errZero = errors.New("division by zero")

func eval(s string) (float64, error) {
	var st []float64
	for i, f := range strings.Fields(s) {
		op, ok := ops[f]
		if !ok {
			n, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return 0, fmt.Errorf("token %d: %w", i, err)
			}
			st = append(st, n)
			continue
		}
		if len(st) < 2 {
			return 0, fmt.Errorf("token %d: too few operands", i)
		}
		v, err := op(st[len(st)-2], st[len(st)-1])
		if err != nil {
			return 0, err
		}
		st = append(st[:len(st)-2], v)
	}
	return st[0], nil
}

func main() {
	for _, s := range []string{"1 2 +", "3 4 * 2 -", "1 0 /", "x", "+", "2 3 4 * +"} {
		v, err := eval(s)
		fmt.Println(v, err)
	}
}
