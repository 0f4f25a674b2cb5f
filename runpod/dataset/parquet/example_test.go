package parquet_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/runpod/dataset/parquet"
)

func ExampleRead() {
	t, err := parquet.Read(context.Background(), "../testdata/pandas.parquet")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range t.Columns {
		fmt.Println(c.Name, c.Rows(), "rows")
	}
	// Output:
	// length 4 rows
	// width 4 rows
	// wild 4 rows
	// n 4 rows
	// species 4 rows
}
