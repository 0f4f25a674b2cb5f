package main

import (
	"errors"
	"fmt"
	"os"
)

type R struct{ name string }

func (r *R) Close() error { fmt.Println("close", r.name); return errors.New("close " + r.name) }

func open(n string) *R { fmt.Println("open", n); return &R{n} }

func work() (err error) {
	r := open("a")
	defer func() { err = errors.Join(err, r.Close()) }()
	for i := range 3 {
		defer fmt.Println("loop", i)
	}
	r2 := open("b")
	defer r2.Close()
	r2 = open("c")
	return errors.New("work")
}

func nested() (n int) {
	defer func() {
		defer func() {
			fmt.Println("inner", recover())
			n++
		}()
		fmt.Println("outer", recover())
		panic("second")
	}()
	panic("first")
}

func rethrow() (r any) {
	defer func() { r = recover() }()
	defer func() { panic(fmt.Sprint("re-", recover())) }()
	panic("orig")
}

func args() {
	x := 1
	defer fmt.Println("deferred x", x)
	defer func(p *int) { fmt.Println("pointer x", *p) }(&x)
	x = 2
}

func loopRecover() (n int) {
	for i := 0; i < 3; i++ {
		func() {
			defer func() {
				if recover() != nil {
					n++
				}
			}()
			var m map[int]int
			m[i] = 1
		}()
	}
	return
}

type MyErr struct{ Code int }

func (e *MyErr) Error() string { return fmt.Sprint("code ", e.Code) }

func mayFail(fail bool) error {
	var e *MyErr
	if fail {
		e = &MyErr{3}
		return e
	}
	return nil
}

func main() {
	fmt.Println(work())
	fmt.Println(nested(), rethrow(), loopRecover())
	args()
	err := mayFail(true)
	var me *MyErr
	fmt.Println(errors.As(err, &me), me.Code, mayFail(false) == nil)
	_, err = os.Open("/no/such")
	fmt.Println(errors.Is(err, os.ErrNotExist))
	func() {
		defer func() {
			e := recover().(error)
			fmt.Println(e)
			var re interface{ RuntimeError() }
			fmt.Println(errors.As(e, &re))
		}()
		a := []int{1}
		i := 5
		fmt.Println(a[i])
	}()
	func() {
		defer func() { fmt.Println(recover()) }()
		var x any = "s"
		fmt.Println(x.(int))
	}()
	func() {
		defer func() { fmt.Println(recover()) }()
		z := 0
		fmt.Println(1 / z)
	}()
	func() {
		defer func() { fmt.Println(recover()) }()
		s := make([]int, 2, 4)
		n := 5
		_ = s[:n]
	}()
	defer fmt.Println("main deferred")
	fmt.Println("end of main")
}
