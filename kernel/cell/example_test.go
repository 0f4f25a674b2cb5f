package cell_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/cell"
)

// A front end asks whether Enter runs the cell or begins a new line.
func ExampleIsComplete() {
	for _, src := range []string{"x := 1", "for i := range 3 {", "x := )"} {
		status, indent := cell.IsComplete(src)
		fmt.Printf("%q is %s %q\n", src, status, indent)
	}
	// Output:
	// "x := 1" is complete ""
	// "for i := range 3 {" is incomplete "\t"
	// "x := )" is invalid ""
}

func ExampleImports() {
	fmt.Println(cell.Imports("import (\n\t\"fmt\"\n\t\"gonum.org/v1/gonum/mat\"\n)\nfmt.Println(1)"))
	// Output: [fmt gonum.org/v1/gonum/mat]
}
