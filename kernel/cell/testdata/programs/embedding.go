package main

import "fmt"

type base struct{ id int }

func (b base) describe() string { return fmt.Sprint("base ", b.id) }
func (b *base) setID(id int)    { b.id = id }

type logger interface{ log(string) string }

type prefix string

func (p prefix) log(s string) string { return string(p) + ": " + s }

type middle struct {
	base
	logger
}

type top struct {
	*middle
	id string
}

func (t top) describe() string { return "top(" + t.middle.describe() + ")" }

type describer interface{ describe() string }

func main() {
	m := &middle{base{1}, prefix("log")}
	t := top{m, "own"}
	t.setID(42)
	fmt.Println(t.id, t.base.id, m.id, t.describe(), t.log("message"))
	for _, d := range []describer{m, t, base{7}} {
		fmt.Println(d.describe())
	}
	f := t.setID
	f(5)
	g := (*base).setID
	g(&m.base, m.id+1)
	fmt.Println(m.describe(), top.describe(t))
	type pair struct {
		base
		extra int
	}
	p := pair{base{3}, 4}
	fmt.Printf("%+v %s\n", p, p.describe())
}
