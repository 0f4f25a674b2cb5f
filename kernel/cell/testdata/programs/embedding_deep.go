package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

type A struct{ x, y int }
type B struct {
	A
	x int
}
type C struct {
	*B
	io.Reader
	fmt.Stringer
}

func (a A) Sum() int   { return a.x + a.y }
func (b *B) Set(v int) { b.x, b.A.x = v, v*2 }

type Walker interface{ Walk() string }
type Swimmer interface{ Swim() string }
type Duck interface {
	Walker
	Swimmer
	interface{ Quack() string }
}

type base struct{ name string }

func (b base) Walk() string { return b.name + " walks" }
func (b base) Swim() string { return b.name + " swims" }

type duck struct {
	base
	loud bool
}

func (d duck) Quack() string {
	if d.loud {
		return "QUACK"
	}
	return "quack"
}
func (d duck) Swim() string { return d.base.Swim() + " well" }

type myErr struct {
	error
	code int
}

func (e myErr) Unwrap() error { return e.error }

func main() {
	c := C{B: &B{A: A{1, 2}, x: 3}, Reader: strings.NewReader("abc")}
	c.Set(10)
	fmt.Println(c.x, c.A.x, c.y, c.Sum())
	b := make([]byte, 2)
	n, err := c.Read(b)
	fmt.Println(n, err, string(b))
	var d Duck = duck{base{"Don"}, true}
	fmt.Println(d.Walk(), d.Swim(), d.Quack())
	var w Walker = d
	if s, ok := w.(Swimmer); ok {
		fmt.Println(s.Swim())
	}
	_, ok := w.(fmt.Stringer)
	fmt.Println(ok)
	e := fmt.Errorf("outer: %w", myErr{io.EOF, 3})
	var me myErr
	fmt.Println(errors.As(e, &me), me.code, errors.Is(e, io.EOF), e)
	func() {
		defer func() { fmt.Println("nil embed:", recover() != nil) }()
		fmt.Println(c.String())
	}()
	anon := struct {
		base
		Extra struct{ V []int }
	}{base{"Anon"}, struct{ V []int }{[]int{1}}}
	anon.Extra.V = append(anon.Extra.V, 2)
	fmt.Printf("%s %+v\n", anon.Walk(), anon)
}
