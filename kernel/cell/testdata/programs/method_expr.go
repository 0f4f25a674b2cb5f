package main

import (
	"fmt"
	"strings"
)

type T struct{ n int }

func (t T) Val(k int) int  { return t.n + k }
func (t *T) Ptr(k int) int { t.n += k; return t.n }
func (t T) String() string { return fmt.Sprintf("T(%d)", t.n) }

type E struct {
	*T
	strings.Builder
}

type I interface{ Val(int) int }

type F func(int) int

func (f F) Twice(x int) int { return f(f(x)) }

func apply(f func(T, int) int, t T) int { return f(t, 10) }

func main() {
	t := T{1}
	f := T.Val
	g := (*T).Ptr
	h := (*T).Val
	fmt.Println(f(t, 1), g(&t, 5), h(&t, 1), t)
	k := t.Val
	t.n = 100
	fmt.Println(k(0), t.n)
	p := t.Ptr
	p(1)
	fmt.Println(t.n)
	i := I.Val
	fmt.Println(i(t, 1), i(&t, 2))
	fmt.Println(apply(T.Val, t))
	e := E{T: &t}
	e.WriteString("hi")
	ef := e.Ptr
	ef(1)
	fmt.Println(e.n, e.Builder.String(), E.Val(e, 1), (*E).Len(&e))
	fmt.Println(F(func(x int) int { return x * 3 }).Twice(2))
	fns := map[string]func(T) string{"s": T.String}
	fmt.Println(fns["s"](T{9}))
	fmt.Println(struct{ T }{T{4}}.Val(1))
	defer T{7}.Val(1)
	var none *T
	func() {
		defer func() { fmt.Println("recovered:", recover() != nil) }()
		_ = none.Val
	}()
	ok := none.Ptr
	fmt.Println(ok != nil)
}
