package celltest_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/cell/celltest"
)

func ExampleParseProgram() {
	p, err := celltest.ParseProgram("hello", `package main

import "fmt"

func greet(name string) { fmt.Println("hello,", name) }

func main() {
	name := "gopher"
	greet(name)
}
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range p.Cells {
		fmt.Printf("%q\n", c)
	}
	// Output:
	// "package main\n\nimport \"fmt\"\n\nfunc greet(name string) { fmt.Println(\"hello,\", name) }\n"
	// "name := \"gopher\""
	// "greet(name)"
}
