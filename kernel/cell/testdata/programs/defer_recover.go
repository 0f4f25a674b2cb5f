package main

import (
	"errors"
	"fmt"
)

func order() {
	for i := range 3 {
		defer fmt.Print("d", i, " ")
	}
	fmt.Print("body ")
}

func named() (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered: %v", r)
			n *= 2
		}
	}()
	n = 21
	panic("oops")
}

type myPanic struct{ code int }

func nested() (s string) {
	defer func() {
		r := recover()
		s = fmt.Sprint("outer got ", r)
	}()
	defer func() {
		defer func() { panic(fmt.Sprint("second after ", recover())) }()
		panic("inner")
	}()
	panic(myPanic{7})
}

func runtimeError() (err error) {
	defer func() {
		if e, ok := recover().(error); ok {
			err = e
		}
	}()
	var a []int
	return errors.New(fmt.Sprint(a[5]))
}

func argsEarly() {
	x := 1
	defer fmt.Println("deferred x", x)
	x = 2
	fmt.Println("x", x)
}

func main() {
	order()
	fmt.Println()
	fmt.Println(named())
	fmt.Println(nested())
	fmt.Println(runtimeError())
	argsEarly()
	func() {
		defer func() { fmt.Println(recover() == nil) }()
	}()
}
