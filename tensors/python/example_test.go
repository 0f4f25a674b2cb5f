package python_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/tensors/python"
)

func Example() {
	path, err := python.Find(context.Background(), "", python.Modules()...)
	fmt.Println(path, err)
}
