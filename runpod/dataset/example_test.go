package dataset_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/runpod/dataset"
)

// Split divides a table into samples and labels by the names of its columns.
func ExampleTable_Split() {
	table, err := dataset.ParseCSV("iris.csv", []byte("length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := table.Split("species", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Columns, data.Y)
	// Output: [length width] [setosa versicolor]
}
