package main

import (
	"fmt"
	"math"
)

type vec struct{ x, y float64 }

func (v vec) len() float64          { return math.Hypot(v.x, v.y) }
func (v *vec) scale(f float64)      { v.x *= f; v.y *= f }
func (v vec) add(w vec) vec         { return vec{v.x + w.x, v.y + w.y} }
func (v vec) String() string        { return fmt.Sprintf("(%g, %g)", v.x, v.y) }
func (vec) unnamed() string         { return "unnamed" }
func (v *vec) chain(f float64) *vec { v.scale(f); return v }

type intFunc func(int) int

func (f intFunc) twice(n int) int { return f(f(n)) }

type counter map[string]int

func (c counter) inc(k string) { c[k]++ }

func main() {
	v := vec{3, 4}
	fmt.Println(v.len(), v, &v, v.unnamed())
	v.scale(2)
	v.chain(2).chain(0.5).scale(1)
	fmt.Println(v, v.add(vec{1, 1}))
	length := v.len
	v = vec{}
	fmt.Println(length(), v.len(), vec.len(vec{6, 8}))
	scale := (*vec).scale
	w := &vec{1, 1}
	scale(w, 3)
	fmt.Println(*w, w.len() > 4)
	fmt.Println(intFunc(func(i int) int { return i * 3 }).twice(2))
	c := counter{}
	c.inc("a")
	c.inc("a")
	fmt.Println(c)
	for _, f := range []func(vec) vec{v.add, vec{1, 2}.add} {
		fmt.Print(f(vec{10, 10}), " ")
	}
	fmt.Println()
}
