package main

import (
	"fmt"
	"sort"
	"strings"
)

type acc struct{ n int }

func (a *acc) add(k int) int { a.n += k; return a.n }
func (a acc) get() int       { return a.n }

type handler func(string) string

func (h handler) serve(s string) string { return h(s) }

type server interface{ serve(string) string }

func chain(s server, f ...func(server) server) server {
	for _, g := range f {
		s = g(s)
	}
	return s
}

func upper(s server) server {
	return handler(func(in string) string { return strings.ToUpper(s.serve(in)) })
}

func twice(s server) server {
	return handler(func(in string) string { return s.serve(s.serve(in)) })
}

func lift(r rune) rune { return r - 32 }

func main() {
	a := &acc{}
	add := a.add
	add(1)
	add(2)
	get := a.get
	a.n = 100
	fmt.Println(a.n, get())
	fmt.Println(acc.get(*a), (*acc).get(a), (*acc).add(a, 1))
	s := chain(handler(func(s string) string { return s + "!" }), twice, upper)
	serve := s.serve
	fmt.Println(serve("x"), server.serve(s, "y"))
	words := []string{"bb", "a", "ccc"}
	sort.Slice(words, func(i, j int) bool { return len(words[i]) < len(words[j]) })
	fmt.Println(words, strings.Map(lift, "abc"))
	table := map[string]func(*acc, int) int{"add": (*acc).add}
	fmt.Println(table["add"](a, 9))
	defer func(f func() int) { fmt.Println("deferred", f()) }(a.get)
	a.n = 0
}
