package build_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/build"
)

// Prepare a host once; then it builds cells. (Not run: compiling takes minutes.)
func Example() {
	ctx := context.Background()
	host, err := build.Prepare(ctx, build.Options{
		Source: "/path/to/gopherpod", Dir: "/path/to/hosts",
		Progress: func(line string) { fmt.Println(line) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close()
	o, err := host.Builder().Cell(ctx, build.Input{
		Dir: "/an/empty/folder", Path: "nb1",
		Files:   map[string]string{"cell.go": "package main\n\nfunc main() { println(42) }\n"},
		Imports: []string{"runtime"},
	})
	fmt.Println(o, err)
}
