package main

import (
	"fmt"
	"sort"
)

type animal interface {
	sound() string
}

type dog struct{ name string }

func (d *dog) sound() string {
	if d == nil {
		return "silence"
	}
	return d.name + " barks"
}

type loud struct{ animal }

func (l loud) sound() string { return l.animal.sound() + "!" }

type reverse struct{ sort.Interface }

func (r reverse) Less(i, j int) bool { return r.Interface.Less(j, i) }

func maybe(ok bool) animal {
	if !ok {
		return nil
	}
	return &dog{"rex"}
}

func main() {
	var d *dog
	var a animal = d
	fmt.Println(a == nil, a.sound())
	fmt.Println(maybe(false) == nil, maybe(true).sound())
	fmt.Println(loud{&dog{"max"}}.sound(), loud{loud{a}}.sound())
	xs := sort.IntSlice{3, 1, 2}
	sort.Sort(reverse{xs})
	fmt.Println(xs)
	f := animal.sound
	fmt.Println(f(&dog{"f"}))
	func() {
		defer func() { fmt.Println("recovered:", recover() != nil) }()
		loud{}.sound()
	}()
	var e interface{ sound() string } = loud{a}
	_, isDog := e.(*dog)
	l, isLoud := e.(loud)
	fmt.Println(isDog, isLoud, l.animal == a)
}
