package main

import (
	"fmt"
	"strings"
)

type perm uint8

const (
	read perm = 1 << iota
	write
	exec
	all = read | write | exec
)

func (p perm) String() string {
	var parts []string
	for _, f := range []struct {
		bit  perm
		name string
	}{{read, "r"}, {write, "w"}, {exec, "x"}} {
		if p&f.bit != 0 {
			parts = append(parts, f.name)
		}
	}
	return strings.Join(parts, "|")
}

const (
	_  = iota
	p1 = iota + 0.5
	p2
	skip, _ = iota, "x"
	p3      = iota
)

func main() {
	p := read
	p |= exec
	fmt.Println(p, all, p&^read, p^all)
	p &^= read
	fmt.Printf("%v %d %08b\n", p, p, all)
	fmt.Println(p1, p2, skip, p3)
}
