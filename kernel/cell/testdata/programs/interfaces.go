package main

import (
	"errors"
	"fmt"
	"sort"
)

type shape interface {
	area() float64
	perimeter() float64
}

type named interface{ name() string }

type namedShape interface {
	shape
	named
}

type rect struct{ w, h float64 }
type circle struct{ r float64 }

func (r rect) area() float64         { return r.w * r.h }
func (r rect) perimeter() float64    { return 2 * (r.w + r.h) }
func (r rect) name() string          { return "rect" }
func (c *circle) area() float64      { return 3 * c.r * c.r }
func (c *circle) perimeter() float64 { return 6 * c.r }

type byArea []shape

func (b byArea) Len() int           { return len(b) }
func (b byArea) Less(i, j int) bool { return b[i].area() < b[j].area() }
func (b byArea) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func describe(s shape) string {
	if n, ok := s.(named); ok {
		return n.name()
	}
	return fmt.Sprintf("%T", s)
}

func find(id int) (shape, error) {
	if id == 0 {
		return nil, errors.New("not found")
	}
	return rect{1, float64(id)}, nil
}

func main() {
	shapes := []shape{rect{3, 4}, &circle{1}, rect{1, 1}}
	sort.Sort(byArea(shapes))
	for _, s := range shapes {
		fmt.Println(describe(s), s.area(), s.perimeter())
	}
	var ns namedShape = rect{2, 2}
	fmt.Println(ns.name(), ns.area())
	s, err := find(0)
	fmt.Println(s, err)
	s, err = find(2)
	fmt.Println(s, err, s == rect{1, 2})
	var p *circle
	s = p
	fmt.Println(s == nil, s != nil)
	var e any = 3
	_, isStr := e.(string)
	fmt.Println(isStr, e.(int)+1)
}
