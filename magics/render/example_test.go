package render_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/magics/render"
)

func ExampleTable() {
	t := render.Table{
		Caption: "Runs",
		Header:  []string{"run", "loss", "accuracy"},
		Rows:    [][]string{{"first", "0.52", "81 %"}, {"second", "0.31", "90 %"}},
		Left:    []string{"run"},
	}
	fmt.Print(t.Text())
	// Output:
	// Runs
	// run     loss  accuracy
	// first   0.52      81 %
	// second  0.31      90 %
}

func ExampleSpark() {
	fmt.Println(render.Spark([]float64{8, 4, 2, 1, 0.5, 0.25}, 6))
	// Output: █▄▂▁▁▁
}
