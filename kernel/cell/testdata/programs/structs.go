package main

import "fmt"

type address struct {
	street string
	zip    int
}

type person struct {
	name string
	age  int
	address
	tags []string
	meta struct{ score float64 }
}

func birthday(p *person) { p.age++ }

func older(p person) person {
	p.age += 10
	return p
}

func main() {
	p := person{name: "Ann", age: 30, address: address{"Main", 123}}
	p.meta.score = 1.5
	birthday(&p)
	q := older(p)
	fmt.Println(p.age, q.age, p.street, p.address.zip)
	fmt.Printf("%v\n%+v\n", p, p)
	pp := &q
	pp.name = "Bob"
	(*pp).zip = 9
	fmt.Println(q.name, q.zip)
	anon := struct {
		a int
		b string
	}{1, "x"}
	fmt.Println(anon, anon == struct {
		a int
		b string
	}{1, "x"}, address{"a", 1} == address{"a", 1})
	list := []address{{"s1", 1}, {street: "s2"}}
	ptrs := []*address{{"p1", 1}, {}}
	fmt.Println(list, ptrs[0].street, len(ptrs))
	m := map[string]*person{"a": &p}
	m["a"].age = 1
	fmt.Println(p.age)
}
