package main

import "fmt"

type expr struct {
	ops []*op
	fn  func(*op) expr
}

type op struct {
	parent *expr
	kids   map[string]expr
	iface  visitor
}

type visitor interface {
	visit(*expr) visitor
	kind() (k kind)
}

type kind [2]int

type walker struct{ n *int }

func (w walker) visit(e *expr) visitor {
	*w.n++
	for _, o := range e.ops {
		for _, k := range o.kids {
			w.visit(&k)
		}
	}
	return w
}

func (walker) kind() kind { return kind{1, 2} }

type (
	rec  []rec
	fn   func(fn) fn
	ch   chan ch
	mapr map[string]mapr
)

func depth(r rec) int {
	d := 0
	for _, x := range r {
		d = max(d, depth(x))
	}
	return d + 1
}

func isEven(n int) bool { return n == 0 || isOdd(n-1) }
func isOdd(n int) bool  { return n != 0 && isEven(n-1) }

func main() {
	n := 0
	leaf := expr{}
	e := &expr{ops: []*op{{kids: map[string]expr{"a": leaf, "b": {ops: []*op{{kids: map[string]expr{"c": leaf}}}}}}}}
	var v visitor = walker{&n}
	v.visit(e)
	fmt.Println(n, v.kind())
	fmt.Println(depth(rec{{}, {{}, {{}}}}), isEven(10), isOdd(7))
	m := mapr{"a": {"b": nil}}
	fmt.Println(len(m["a"]), m["x"] == nil)
	c := make(ch, 1)
	c <- c
	fmt.Println(<-c == c)
	var id fn
	id = func(f fn) fn { return f }
	fmt.Println(id(id) != nil)
}
