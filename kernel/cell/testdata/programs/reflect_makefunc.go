package main

import (
	"fmt"
	"reflect"
)

type pair struct{ a, b int }

func made(args []reflect.Value) []reflect.Value {
	return []reflect.Value{reflect.ValueOf(pair{1, 2})}
}

func main() {
	f := reflect.MakeFunc(reflect.TypeFor[func() any](), made).Interface().(func() any)
	done := make(chan int)
	for range 20 {
		go func() {
			sum := 0
			for range 5000 {
				sum += f().(pair).b
			}
			done <- sum
		}()
	}
	total := 0
	for range 20 {
		total += <-done
	}
	fmt.Println(total)
}
