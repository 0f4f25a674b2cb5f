package main

import "fmt"

var table = []struct {
	in   string
	want int
}{
	{"a", 1},
	{in: "bb", want: 2},
}

var config struct {
	name string
	sub  struct {
		on   bool
		list []struct{ k, v string }
	}
}

func point() struct{ x, y int } { return struct{ x, y int }{1, 2} }

func take(p struct{ x, y int }) int { return p.x + p.y }

func apply(i interface {
	area() int
	fmt.Stringer
}) string {
	return i.String() + fmt.Sprint(i.area())
}

type sq int

func (s sq) area() int      { return int(s * s) }
func (s sq) String() string { return "sq" }

func main() {
	for _, c := range table {
		fmt.Print(c.in, len(c.in) == c.want, " ")
	}
	config.name = "n"
	config.sub.list = append(config.sub.list, struct{ k, v string }{"k", "v"})
	fmt.Printf("%+v\n", config)
	p := point()
	p.x = 10
	type named struct{ x, y int }
	fmt.Println(take(p), take(named{3, 4}), named(p))
	fmt.Println(apply(sq(3)))
	f := func(opts ...struct {
		n int
		s string
	}) int {
		return len(opts)
	}
	fmt.Println(f(), f(struct {
		n int
		s string
	}{1, "a"}))
	m := map[struct{ a, b int }][]func() int{{1, 2}: {func() int { return 3 }}}
	fmt.Println(m[struct{ a, b int }{1, 2}][0]())
	ch := make(chan struct{ err error }, 1)
	ch <- struct{ err error }{nil}
	fmt.Println((<-ch).err)
}
